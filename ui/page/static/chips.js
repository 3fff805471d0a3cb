// What limits the results, as chips that can be taken away one by one.
import { withFilter } from "./address.js";
import { firstDay, shifted } from "./days.js";
import { formatDate, t } from "./i18n.js";
import { fileName, make } from "./text.js";

const day = (text) => formatDate(text, { dateStyle: "medium" });

function label(name, value) {
  const first = firstDay(value);
  if (name === "after" && first) return t("chip.after", { date: day(first) });
  if (name === "before" && first) return t("chip.before", { date: day(shifted(first, -1)) });
  if (name === "orientation") return t(`orientation.${value}`);
  if (name === "is") return t("filter.favourites");
  if (name === "root" || name === "in") return fileName(value);
  if (name === "type") return value.toUpperCase();
  if (name === "date") return value.replace("..", " – ");
  return ["camera", "folder", "size", "aspect"].includes(name) ? value : `${name}: ${value}`;
}

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
