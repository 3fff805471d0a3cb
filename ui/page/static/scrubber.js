// The years at the side of the timeline: shows where the window is, and leads to any month, by pointer, thumb or keys.
import { formatDate, t } from "./i18n.js";
import { monthName } from "./months.js";
import { make } from "./text.js";

const APART = 22; // least distance of two labels, CSS pixels
const LITTLE = 1.6; // windows' heights of photos below which nobody needs it
const AWAKE = 1200; // milliseconds a thumb's handle stays after scrolling

const year = (month) => month?.slice(0, 4) ?? null;

/** Wire the scrubber. `timeline` is that of timelineView. Returns `update()`, to be called whenever the timeline moved. */
export function scrubber(element, timeline) {
  const handle = make("div", { class: "pg-handle", role: "slider", tabindex: "0", "aria-orientation": "vertical", "aria-valuemin": "0", "aria-label": t("scrubber.label") });
  const label = make("span", { class: "pg-handle-label", "aria-hidden": "true" });
  const years = make("div", { class: "pg-years", "aria-hidden": "true" });
  let isDragged = false;
  let tall = 0; // its own height
  let timer = 0;
  let movedAt = 0;
  let drawn = null; // what the labels were drawn for
  let shown; // the month that the handle shows
  handle.append(label);
  element.append(years, handle);

  const months = () => timeline.months.map(({ month }) => month);

  /** The first month of each year, as the timeline runs. */
  const firsts = () => months().filter((month, at, all) => at === 0 || year(month) !== year(all[at - 1]));

  function drawYears() {
    const reason = [tall, timeline.height, timeline.months];
    if (drawn?.every((value, at) => value === reason[at])) return;
    drawn = reason;
    let last = -Infinity;
    years.replaceChildren(...firsts().flatMap((month) => {
      const top = timeline.shareOf(month) * tall;
      if (top - last < APART || top > tall - APART / 2) return [];
      last = top;
      const mark = make("span", {}, month ? formatDate(`${month}-01`, { year: "numeric" }) : "–");
      mark.style.top = `${top}px`;
      return [mark];
    }));
  }

  function showMonth(month) {
    const all = months();
    const name = monthName(month);
    label.textContent = name;
    handle.setAttribute("aria-valuemax", String(all.length - 1));
    handle.setAttribute("aria-valuenow", String(all.indexOf(month)));
    handle.setAttribute("aria-valuetext", name);
  }

  function rest() {
    const left = movedAt + AWAKE - performance.now();
    timer = left > 0 ? setTimeout(rest, left) : 0;
    if (!timer) element.classList.remove("pg-awake");
  }

  // While the page scrolls nothing here may ask for a layout.
  function update() {
    const position = timeline.position();
    element.hidden = !position || timeline.months.length < 2 || timeline.height < LITTLE * innerHeight;
    if (element.hidden) return;
    if (!isDragged) drawYears();
    if (position.month !== shown?.month || timeline.months !== shown.months) showMonth(position.month);
    shown = { month: position.month, months: timeline.months };
    handle.style.top = `${position.share * tall}px`;
    element.classList.add("pg-awake");
    movedAt = performance.now();
    timer ||= setTimeout(rest, AWAKE);
  }

  new ResizeObserver(() => {
    if (!element.clientHeight || element.clientHeight === tall) return;
    tall = element.clientHeight;
    update();
  }).observe(element);

  function drag(event) {
    const box = element.getBoundingClientRect();
    timeline.scrollToShare(Math.min(1, Math.max(0, (event.clientY - box.top) / box.height)));
  }

  element.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    event.preventDefault();
    isDragged = true;
    element.classList.add("pg-dragged");
    element.setPointerCapture(event.pointerId);
    handle.focus({ preventScroll: true });
    if (!event.target.closest(".pg-handle")) drag(event);
  });
  element.addEventListener("pointermove", (event) => (isDragged ? drag(event) : undefined));
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    element.addEventListener(end, () => {
      isDragged = false;
      element.classList.remove("pg-dragged");
    });
  }

  handle.addEventListener("keydown", (event) => {
    // From line to line: months that lie side by side begin at one height.
    const here = timeline.shareOf(timeline.position().month);
    const [all, starts] = [months(), firsts()];
    const next = (choices) => choices.find((month) => timeline.shareOf(month) > here);
    const before = (choices) => choices.findLast((month) => timeline.shareOf(month) < here);
    const target = {
      ArrowDown: next(all), ArrowUp: before(all), PageDown: next(starts), PageUp: before(starts), Home: all[0], End: all.at(-1),
    }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    timeline.scrollToMonth(target);
  });

  return { update };
}
