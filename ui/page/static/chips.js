// What limits the results, as chips that can be taken away one by one.
import { withFilter } from "./address.js";
import { t } from "./i18n.js";
import { label } from "./labels.js";
import { allNames, areNamed } from "./named.js";
import { make } from "./text.js";

/** Each limit of a view: its label, and the view without it. */
export function limits(view) {
  const found = [];
  for (const [name, values] of Object.entries(view.filters)) {
    for (const value of values) {
      found.push({ label: label(name, value), without: withFilter(view, name, values.filter((one) => one !== value)) });
    }
  }
  if (view.relevant) found.push({ label: t("filter.relevant"), without: { ...view, relevant: false, photo: null } });
  if (view.every) found.push({ label: t("filter.every"), without: { ...view, every: false, photo: null } });
  return found;
}

/** Fill `element` with the view's chips; `change(view)` is called when one is taken away. */
export function showChips(element, view, change) {
  fill(element, view, change);
  const [shown, hadFocus] = [element.firstChild, element.contains(document.activeElement)];
  if (areNamed(view.filters)) return;
  allNames().then(() => { if (element.firstChild === shown && !hadFocus) fill(element, view, change); });
}

function fill(element, view, change) {
  const found = limits(view);
  const chips = found.map((limit) =>
    make("button", { type: "button", class: "pg-chip", "aria-label": t("chip.remove", { name: limit.label }), onclick: () => change(limit.without) },
      make("span", { dir: "auto" }, limit.label), make("span", { "aria-hidden": "true" }, "×")));
  if (found.length > 1) {
    const none = { ...view, filters: {}, relevant: false, every: false, photo: null };
    chips.push(make("button", { type: "button", class: "pg-chip pg-chip-all", onclick: () => change(none) }, t("chip.clear")));
  }
  element.replaceChildren(...chips);
}
