// The filters: a panel of fields, opened by one button, that says what the view's filters are and changes them.
import * as api from "./api.js";
import { countFilters, withFilter } from "./address.js";
import { firstDay, shifted } from "./days.js";
import { problemNote } from "./errors.js";
import { folderTree, treeOf } from "./folders.js";
import { formatNumber, t } from "./i18n.js";
import { make } from "./text.js";

const OLDEST = "1800-01-01"; // a year that is being typed passes through 0002, 0020, 0202

const field = (name, control) => make("label", { class: "pg-choice" }, make("span", {}, t(name)), control);

const section = (name, kind, ...children) =>
  make("fieldset", { class: `pg-filter pg-filter-${kind}` }, make("legend", {}, t(name)), ...children);

function tick(label, amount, change) {
  const box = make("input", { type: "checkbox", onchange: () => change(box.checked) });
  const parts = [box, make("span", { dir: "auto" }, label)];
  if (amount !== null) parts.push(make("span", { class: "pg-amount" }, formatNumber(amount)));
  return { box, element: make("label", { class: "pg-tick" }, ...parts) };
}

/** Wire the panel to its button. `current()` gives the view, `change(view)` asks for another. Returns `show(view)`. */
export function filterPanel(panel, button, current, change) {
  let showing = () => {};

  function build(facets) {
    const set = (name, values) => change(withFilter(current(), name, values));
    const day = (name, onward) => {
      const input = make("input", { type: "date", min: OLDEST, max: "9998-12-31" });
      input.addEventListener("change", () => {
        if (!input.value) set(name, []);
        else if (input.validity.valid) set(name, [shifted(input.value, onward)]);
      });
      return input;
    };
    const [from, to] = [day("after", 0), day("before", 1)];
    const orientation = make("select", { onchange: () => set("orientation", orientation.value ? [orientation.value] : []) },
      ...["", "landscape", "portrait", "square"].map((value) => make("option", { value }, t(`orientation.${value || "any"}`))));
    const list = make("ul", { role: "tree", class: "pg-tree" });
    const tree = folderTree(list, (folder) => set("in", folder ? [folder.whole] : []));
    tree.fill(treeOf(facets.folders));
    const cameras = facets.cameras.map(({ name, photos }) => ({
      name,
      ...tick(name, photos, (isOn) => {
        const others = (current().filters.camera ?? []).filter((one) => one !== name);
        set("camera", isOn ? [...others, name] : others);
      }),
    }));
    const favourite = tick(t("filter.favourites"), facets.favourites, (isOn) => set("is", isOn ? ["favourite"] : []));
    const relevant = tick(t("filter.relevant"), null, (isOn) => change({ ...current(), relevant: isOn, photo: null }));
    const every = tick(t("filter.every"), null, (isOn) => change({ ...current(), every: isOn, photo: null }));
    panel.replaceChildren(
      section("filter.dates", "dates", field("filter.from", from), field("filter.to", to), field("filter.orientation", orientation)),
      section("filter.folder", "folders", list),
      ...(cameras.length ? [section("filter.camera", "cameras", ...cameras.map((camera) => camera.element))] : []),
      section("filter.show", "show", favourite.element, relevant.element, every.element));
    return (view) => {
      const [after, before] = ["after", "before"].map((name) => firstDay(view.filters[name]?.[0] ?? ""));
      from.value = after ?? "";
      to.value = before ? shifted(before, -1) : "";
      orientation.value = view.filters.orientation?.[0] ?? "";
      tree.mark(view.filters.in?.[0]);
      for (const camera of cameras) camera.box.checked = view.filters.camera?.includes(camera.name) ?? false;
      favourite.box.checked = view.filters.is?.includes("favourite") ?? false;
      relevant.box.checked = view.relevant;
      every.box.checked = view.every;
    };
  }

  async function open() {
    panel.hidden = false;
    button.setAttribute("aria-expanded", "true");
    panel.setAttribute("aria-busy", "true");
    try {
      showing = build(await api.facets());
      showing(current());
    } catch (problem) {
      panel.replaceChildren(problemNote(problem));
    }
    panel.removeAttribute("aria-busy");
  }

  function close() {
    panel.hidden = true;
    button.setAttribute("aria-expanded", "false");
  }

  button.addEventListener("click", () => (panel.hidden ? open() : close()));
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    close();
    button.focus();
  });

  /** Say what the view's filters are. */
  return function show(view) {
    const count = countFilters(view);
    button.querySelector(".pg-tally").textContent = count ? formatNumber(count) : "";
    button.setAttribute("aria-label", count ? t("filter.active", { count }) : t("filter.button"));
    showing(view);
  };
}
