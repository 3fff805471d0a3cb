// Selecting photos in a grid: boxes, Shift-click, a long press, the key X, a month's heading.
import { isLetter } from "./keys.js";

const LONG = 450; // milliseconds a finger rests
const STILL = 12; // CSS pixels it may move meanwhile

/** @typedef {object} Choices what a grid knows of its photos
 *  @property {(id: number) => object | undefined} photoOf
 *  @property {(first: number, last: number) => Promise<object[]>} between the photos from one id to another
 *  @property {(month: string | null) => Promise<object[]>} ofMonth
 *  @property {(month: string | null) => number} countOf how many photos a month has */

const idOf = (target) => {
  const link = target.closest?.(".pg-tile")?.querySelector("[data-id]");
  return link ? Number(link.dataset.id) : null;
};

/** Show on a tile or heading whether it is selected. @param {Choices} choices */
export function markSelected(element, selected, choices) {
  const box = element.querySelector(".pg-check");
  if (element.matches(".pg-tile")) {
    const isOn = selected.has(idOf(element));
    box.setAttribute("aria-checked", String(isOn));
    element.classList.toggle("pg-selected", isOn);
    return;
  }
  const month = box.dataset.month || null;
  const count = selected.size ? selected.ofMonth(month) : 0;
  box.setAttribute("aria-checked", count ? (count >= choices.countOf(month) ? "true" : "mixed") : "false");
}

/** Wire a grid's element. @param {Choices} choices */
export function selectIn(element, selected, choices, failed) {
  let press = null; // {x, y, timer}
  let isPressed = false; // a long press selected: the click that follows does nothing

  async function choose(id, isRange) {
    const photo = choices.photoOf(id);
    if (!photo) return;
    if (!isRange || selected.last === null || !choices.photoOf(selected.last)) selected.toggle(photo);
    else selected.set(await choices.between(selected.last, id), true);
  }

  const attempt = (promise) => promise.catch((problem) => (problem.name === "AbortError" ? undefined : failed(problem)));

  async function chooseMonth(box) {
    box.setAttribute("aria-busy", "true");
    const month = box.dataset.month || null;
    selected.set(await choices.ofMonth(month), box.getAttribute("aria-checked") !== "true");
    box.removeAttribute("aria-busy");
  }

  // In the capturing phase: while photos are selected, a click on a photo selects instead of opening it.
  element.addEventListener("click", (event) => {
    const box = event.target.closest(".pg-check");
    const id = idOf(event.target);
    if (box && id === null) attempt(chooseMonth(box));
    else if (id === null || (!box && !selected.size && !isPressed)) return;
    else if (!isPressed) attempt(choose(id, event.shiftKey));
    isPressed = false;
    event.preventDefault();
    event.stopPropagation();
  }, true);

  const end = () => {
    clearTimeout(press?.timer);
    press = null;
  };
  element.addEventListener("pointerdown", (event) => {
    isPressed = false;
    const id = idOf(event.target);
    if (event.pointerType === "mouse" || id === null) return;
    press = { x: event.clientX, y: event.clientY, timer: setTimeout(() => {
      isPressed = true;
      navigator.vibrate?.(15);
      attempt(choose(id, false));
    }, LONG) };
  });
  element.addEventListener("pointermove", (event) => {
    if (press && Math.hypot(event.clientX - press.x, event.clientY - press.y) > STILL) end();
  });
  for (const name of ["pointerup", "pointercancel"]) element.addEventListener(name, end);
  element.addEventListener("contextmenu", (event) => { if (press || isPressed) event.preventDefault(); });
  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !event.target.matches(".pg-tile a, .pg-tile .pg-check")) return;
    if (!isLetter(event, "x")) return;
    event.preventDefault();
    attempt(choose(idOf(event.target), event.shiftKey));
  });
}
