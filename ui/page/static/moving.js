// Arrow keys among photos: one of them is reached by Tab, the arrows go on from there, as on a phone's home screen.
import { isRightToLeft } from "./i18n.js";

const middle = (box) => (box.left + box.right) / 2;

/** The element above or below `from`, that whose middle is nearest in the next row. */
function across(all, from, down) {
  const box = from.getBoundingClientRect();
  const beyond = all
    .map((one) => ({ one, box: one.getBoundingClientRect() }))
    .filter((other) => (down ? other.box.top >= box.bottom : other.box.bottom <= box.top));
  if (!beyond.length) return null;
  const tops = beyond.map((other) => other.box.top);
  const top = down ? Math.min(...tops) : Math.max(...tops);
  const row = beyond.filter((other) => Math.abs(other.box.top - top) < 1);
  return row.reduce((best, other) => (Math.abs(middle(other.box) - middle(box)) < Math.abs(middle(best.box) - middle(box)) ? other : best)).one;
}

/** Let arrow keys move the focus among the elements of `selector` inside `element`. */
export function moveAmong(element, selector) {
  element.addEventListener("focusin", (event) => {
    if (!event.target.matches(selector)) return;
    element.querySelectorAll(`${selector}[tabindex="0"]`).forEach((one) => one.setAttribute("tabindex", "-1"));
    event.target.setAttribute("tabindex", "0");
  });
  element.addEventListener("keydown", (event) => {
    if (!event.target.matches(selector) || event.altKey || event.ctrlKey || event.metaKey) return;
    const all = [...element.querySelectorAll(selector)];
    const at = all.indexOf(event.target);
    const onward = isRightToLeft() ? "ArrowLeft" : "ArrowRight";
    const back = isRightToLeft() ? "ArrowRight" : "ArrowLeft";
    const next = {
      [onward]: () => all[at + 1],
      [back]: () => all[at - 1],
      ArrowDown: () => across(all, event.target, true),
      ArrowUp: () => across(all, event.target, false),
      Home: () => all[0],
      End: () => all.at(-1),
    }[event.key]?.();
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
}
