// Drawing a box over an element, with a mouse, a pen or a finger.
import { make } from "./text.js";

const SMALLEST = 8; // pixels; less is a click

/** Let `toggle()` switch drawing on and off in `frame`. `changed(isOn)` is called each time; `drawn(first, last)` with two corners in
 *  pixels. Drawing ends with a box, with Escape, and with `end()`. */
export function drawsBox(frame, { changed, drawn }) {
  const box = make("div", { class: "pg-map-box" });
  let listening = null; // an AbortController while it is on
  let first = null;

  const at = (event) => {
    const { left, top } = frame.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };

  function begin(event) {
    if (event.target.closest(".leaflet-control")) return;
    first = at(event);
    frame.setPointerCapture(event.pointerId);
    event.preventDefault();
    event.stopPropagation();
  }

  function drag(event) {
    if (!first) return;
    const last = at(event);
    frame.append(box);
    Object.assign(box.style, {
      left: `${Math.min(first.x, last.x)}px`, top: `${Math.min(first.y, last.y)}px`,
      width: `${Math.abs(last.x - first.x)}px`, height: `${Math.abs(last.y - first.y)}px`,
    });
  }

  function finish(event) {
    const [from, to] = [first, at(event)];
    if (!from) return;
    if (Math.hypot(from.x - to.x, from.y - to.y) < SMALLEST) {
      first = null;
      box.remove();
      return;
    }
    end();
    drawn(from, to);
  }

  function start() {
    listening = new AbortController();
    const options = { capture: true, signal: listening.signal };
    for (const [name, listener] of Object.entries({ pointerdown: begin, pointermove: drag, pointerup: finish })) frame.addEventListener(name, listener, options);
    // A click at the end of a drag would open the cluster below.
    frame.addEventListener("click", (event) => { if (!event.target.closest(".leaflet-control")) event.stopPropagation(); }, options);
    addEventListener("keydown", (event) => event.key === "Escape" && end(), options);
    frame.classList.add("pg-drawing");
    changed(true);
  }

  function end() {
    if (!listening) return;
    listening.abort();
    [listening, first] = [null, null];
    box.remove();
    frame.classList.remove("pg-drawing");
    changed(false);
  }

  return { toggle: () => (listening ? end() : start()), end, isOn: () => Boolean(listening) };
}
