// Fields of the filter panel: each shows what a view has chosen, and how many photos each choice would give.
import { formatNumber, t } from "./i18n.js";
import { make } from "./text.js";

/** @typedef {{name: string, label?: string, photos: number | null}} Value one value of a filter; null: nobody has counted */

export const field = (name, control) => make("label", { class: "pg-choice" }, make("span", {}, t(name)), control);

export const section = (name, kind, ...children) =>
  make("fieldset", { class: `pg-filter pg-filter-${kind}` }, make("legend", {}, t(name)), ...children);

/** A tick; `update(isOn, photos)` with null for photos shows no number. What gives nothing is grey and cannot be ticked. */
export function tick(label, change) {
  const box = make("input", { type: "checkbox", onchange: () => change(box.checked) });
  const amount = make("span", { class: "pg-amount" });
  const element = make("label", { class: "pg-tick" }, box, make("span", { dir: "auto", title: label }, label), amount);
  return {
    element,
    update(isOn, photos) {
      box.checked = isOn;
      amount.textContent = photos === null ? "" : formatNumber(photos);
      box.disabled = photos === 0 && !isOn && document.activeElement !== box;
      element.classList.toggle("pg-vain", photos === 0 && !isOn);
    },
  };
}

/** A section of ticks for the values of one filter. `change(values)` is called with those that are ticked.
 *  `update(values, chosen)` keeps the order, so that nothing moves under the pointer. */
export function tickList(name, kind, change) {
  const ticks = new Map();
  const body = make("div", { class: "pg-ticks" });
  const element = section(name, kind, body);
  let chosen = [];

  function add(value) {
    const made = tick(value.label ?? value.name, (isOn) => change(isOn ? [...chosen, value.name] : chosen.filter((one) => one !== value.name)));
    ticks.set(value.name, made);
    body.append(made.element);
  }

  return {
    element,
    /** @param {Value[]} values */
    update(values, wanted) {
      chosen = wanted;
      const photos = new Map(values.map((value) => [value.name, value.photos]));
      for (const value of values) if (!ticks.has(value.name)) add(value);
      for (const [key, made] of ticks) made.update(chosen.includes(key), photos.has(key) ? photos.get(key) : 0);
      element.hidden = !ticks.size;
    },
  };
}

/** A list of which one is chosen, or none: `any` is what none is called. `update(values, chosen)`; null for photos shows no number. */
export function select(any, change) {
  const element = make("select", { onchange: () => change(element.value) });
  return {
    element,
    update(values, chosen) {
      const option = ({ name, label = name, photos }) => make("option", { value: name, disabled: photos === 0 && name !== chosen },
        photos === null ? label : t("list.counted", { name: label, count: formatNumber(photos) }));
      element.replaceChildren(make("option", { value: "" }, t(any)), ...values.map(option));
      element.value = chosen;
    },
  };
}

