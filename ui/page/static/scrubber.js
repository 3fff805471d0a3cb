// The years at the side of the timeline: shows where the window is, and leads to any month, by pointer, thumb or keys.
import { formatDate, t } from "./i18n.js";
import { monthName } from "./months.js";
import { make } from "./text.js";

const APART = 22; // least distance of two labels, CSS pixels
const AWAKE = 1200; // milliseconds a thumb's handle stays after scrolling

const year = (month) => month?.slice(0, 4) ?? null;

/** Wire the scrubber. `timeline` is that of timelineView. Returns `update()`, to be called whenever the timeline moved. */
export function scrubber(element, timeline) {
  const handle = make("div", { class: "pg-handle", role: "slider", tabindex: "0", "aria-orientation": "vertical", "aria-valuemin": "0", "aria-label": t("scrubber.label") });
  const label = make("span", { class: "pg-handle-label", "aria-hidden": "true" });
  const years = make("div", { class: "pg-years", "aria-hidden": "true" });
  let isDragged = false;
  let timer = 0;
  let drawn = ""; // what the labels were drawn for
  handle.append(label);
  element.append(years, handle);

  const months = () => timeline.months.map(({ month }) => month);

  /** The first month of each year, as the timeline runs. */
  const firsts = () => months().filter((month, at, all) => at === 0 || year(month) !== year(all[at - 1]));

  function drawYears() {
    const tall = element.clientHeight;
    const marks = firsts().map((month) => ({ month, share: timeline.shareOf(month) }));
    const key = JSON.stringify([tall, marks.map(({ month, share }) => [month, Math.round(share * tall)])]);
    if (key === drawn) return;
    drawn = key;
    let last = -Infinity;
    years.replaceChildren(...marks.flatMap(({ month, share }) => {
      if (share * tall - last < APART || share * tall > tall - APART / 2) return [];
      last = share * tall;
      const mark = make("span", {}, month ? formatDate(`${month}-01`, { year: "numeric" }) : "–");
      mark.style.top = `${share * tall}px`;
      return [mark];
    }));
  }

  function update() {
    const position = timeline.position();
    element.hidden = !position || months().length < 2 || document.documentElement.scrollHeight < 2 * innerHeight;
    if (element.hidden) return;
    if (!isDragged) drawYears();
    const all = months();
    const name = monthName(position.month);
    handle.style.top = `${position.share * element.clientHeight}px`;
    label.textContent = name;
    handle.setAttribute("aria-valuemax", String(all.length - 1));
    handle.setAttribute("aria-valuenow", String(all.indexOf(position.month)));
    handle.setAttribute("aria-valuetext", name);
    element.classList.add("pg-awake");
    clearTimeout(timer);
    timer = setTimeout(() => element.classList.remove("pg-awake"), AWAKE);
  }

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
