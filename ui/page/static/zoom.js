// Zoom and pan of the photo that is open: wheel, pinch, double click or tap, drag, keys and two buttons.
import { formatPercent, t } from "./i18n.js";
import { make } from "./text.js";
import { bounded, enlarged, WHOLE } from "./zooming.js";

const STEP = 1.5; // of a key or a button
const PAN = 90; // pixels an arrow key moves the picture
const TAPS = 300; // milliseconds between the two taps of a double tap
const NEAR = 30; // pixels between them
const LINE = 16; // pixels of a line, for wheels that count in lines

/** Let the picture in `frame` be zoomed. Returns `controls`, an element with two buttons; `begin(image, photo)` for another
 *  picture; and `press(event)`, which says whether a key was for it. */
export function zoomable(frame) {
  let image = null;
  let photo = null;
  let zoom = WHOLE;

  const level = make("output", { class: "pg-zoom-level" });
  const button = (key, sign, act) => make("button", { type: "button", "aria-label": t(key), title: t(key), onclick: act }, sign);
  const less = button("photo.zoomOut", "−", () => grow(1 / STEP));
  const more = button("photo.zoomIn", "+", () => grow(STEP));
  const controls = make("div", { class: "pg-zoom", role: "group", "aria-label": t("photo.zoom") }, less, level, more);

  /** Sizes in CSS pixels: of the frame, of the whole picture in it, and how far it may be enlarged. */
  function measure() {
    const fit = Math.min(image.clientWidth / photo.width, image.clientHeight / photo.height);
    const picture = { width: photo.width * fit, height: photo.height * fit };
    return { frame: { width: frame.clientWidth, height: frame.clientHeight }, picture, most: Math.max(4, 3 / (fit * devicePixelRatio)) };
  }

  function apply(wanted, isSmooth = false) {
    const sizes = measure();
    zoom = bounded(wanted, sizes);
    const isZoomed = zoom.scale > 1;
    image.classList.toggle("pg-smooth", isSmooth);
    image.style.transform = isZoomed ? `translate(${zoom.x}px, ${zoom.y}px) scale(${zoom.scale})` : "";
    frame.classList.toggle("pg-zoomed", isZoomed);
    level.textContent = isZoomed ? formatPercent(zoom.scale * sizes.picture.width * devicePixelRatio / photo.width) : "";
    [less.disabled, more.disabled] = [!isZoomed, zoom.scale >= sizes.most];
  }

  /** Where something is, from the middle of the frame. */
  function fromMiddle({ clientX, clientY }) {
    const box = frame.getBoundingClientRect();
    return { x: clientX - box.left - box.width / 2, y: clientY - box.top - box.height / 2 };
  }

  const grow = (factor, point = { x: 0, y: 0 }, isSmooth = true) => image && apply(enlarged(zoom, factor, point, measure().most), isSmooth);
  const pan = (x, y, isSmooth) => apply({ ...zoom, x: zoom.x + x, y: zoom.y + y }, isSmooth);

  /** To one pixel of the photo for each of the screen, or at least twice as large; and back to the whole. */
  function toggle(event) {
    if (zoom.scale > 1) apply(WHOLE, true);
    else grow(Math.max(2, measure().most / 3), fromMiddle(event));
  }

  frame.addEventListener("wheel", (event) => {
    if (!image) return;
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode ? LINE : 1);
    grow(Math.exp(-pixels * (event.ctrlKey ? 0.01 : 0.002)), fromMiddle(event), false); // a pinch on a touchpad comes with Ctrl
  }, { passive: false });
  frame.addEventListener("dblclick", (event) => image && toggle(event));

  frame.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch" || event.button || zoom.scale === 1) return;
    event.preventDefault(); // else the browser drags the picture away
    frame.setPointerCapture(event.pointerId);
    frame.classList.add("pg-dragged");
  });
  frame.addEventListener("pointermove", (event) => { if (frame.classList.contains("pg-dragged")) pan(event.movementX, event.movementY, false); });
  for (const end of ["pointerup", "pointercancel"]) frame.addEventListener(end, () => frame.classList.remove("pg-dragged"));

  let fingers = []; // where they were last
  let tap = null; // the last short touch
  const gap = ([one, other]) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
  const between = (touches) => ({
    clientX: touches.reduce((sum, one) => sum + one.clientX, 0) / touches.length, clientY: touches.reduce((sum, one) => sum + one.clientY, 0) / touches.length,
  });

  frame.addEventListener("touchstart", (event) => {
    fingers = [...event.touches];
    if (fingers.length > 1) tap = null;
  }, { passive: true });
  frame.addEventListener("touchmove", (event) => {
    const touches = [...event.touches];
    if (!image || (zoom.scale === 1 && touches.length < 2)) return; // a swipe, or the page scrolls
    event.preventDefault();
    if (touches.length === fingers.length) {
      const [before, now] = [between(fingers), between(touches)];
      pan(now.clientX - before.clientX, now.clientY - before.clientY, false);
      if (touches.length > 1) grow(gap(touches) / gap(fingers), fromMiddle(now), false);
    }
    fingers = touches;
  }, { passive: false });
  frame.addEventListener("touchend", (event) => {
    const [before, now] = [tap, event.changedTouches[0]];
    const isTap = !event.touches.length && fingers.length === 1 && Math.hypot(now.clientX - fingers[0].clientX, now.clientY - fingers[0].clientY) < 10;
    fingers = [...event.touches];
    tap = isTap ? { time: event.timeStamp, clientX: now.clientX, clientY: now.clientY } : null;
    if (!tap || !before || tap.time - before.time > TAPS || gap([tap, before]) > NEAR) return;
    event.preventDefault(); // else a double click follows
    tap = null;
    toggle(now);
  }, { passive: false });

  new ResizeObserver(() => { if (image?.isConnected) apply(zoom); }).observe(frame);

  return {
    controls,
    begin(picture, shown) {
      [image, photo, zoom, tap] = [picture, shown, WHOLE, null];
      apply(WHOLE);
    },
    press({ key }) {
      const arrows = { ArrowLeft: [PAN, 0], ArrowRight: [-PAN, 0], ArrowUp: [0, PAN], ArrowDown: [0, -PAN] };
      if (key === "+" || key === "=") grow(STEP);
      else if (key === "-") grow(1 / STEP);
      else if (key === "0") apply(WHOLE, true);
      else if (zoom.scale > 1 && arrows[key]) pan(...arrows[key], true);
      else return false;
      return true;
    },
  };
}
