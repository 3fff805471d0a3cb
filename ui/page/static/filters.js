// The filters: a panel of fields, opened by one button, that says what the view's filters are and changes them. The numbers
// beside them are of the photos that the search would give.
import * as api from "./api.js";
import { countFilters, searchParameters, withFilter } from "./address.js";
import { problemNote } from "./errors.js";
import { field, section, select, tick, tickList } from "./fields.js";
import { folderTree, treeOf } from "./folders.js";
import { formatNumber, t } from "./i18n.js";
import { label } from "./labels.js";
import { allNames } from "./named.js";
import { make } from "./text.js";
import { whenFields } from "./when.js";

const LISTS = { camera: "cameras", lens: "lenses", type: "types", place: "cities", thing: "things" }; // filter -> its facet

const ORIENTATIONS = ["landscape", "portrait", "square"];

/** What the numbers depend on. */
const facetParameters = (view) => searchParameters({ ...view, sort: "relevance", relevant: false, every: false });

/** Wire the panel to its button. `current()` gives the view, `change(view)` asks for another. Returns `show(view)`. */
export function filterPanel(panel, button, current, change) {
  let fields = [];
  let counted = null; // the search that the numbers are of
  let facets = null;
  let named = null; // things and places
  let asked = new AbortController();

  const set = (name, values) => change(withFilter(current(), name, values));

  /** The values of a filter with their names; without numbers where the server counts none. */
  function values(name, counted) {
    const photos = new Map(counted?.map((value) => [value.key ?? value.name, value.photos]));
    const all = named?.[name] ?? counted ?? [];
    return all.map((value) => ({ name: value.name, label: value.label ?? (name === "type" ? label(name, value.name) : value.name), photos: counted ? photos.get(value.name) ?? 0 : null }));
  }

  function lists() {
    return Object.entries(LISTS).map(([name, facet]) => {
      const list = tickList(`filter.${name}`, `list pg-filter-${name}`, (values) => set(name, values));
      return { element: list.element, update: (view, all) => list.update(values(name, all[facet]), view.filters[name] ?? []) };
    });
  }

  function folderField() {
    const list = make("ul", { role: "tree", class: "pg-tree" });
    const tree = folderTree(list, (folder) => set("in", folder ? [folder.whole] : []));
    let filled = null;
    return {
      element: section("filter.folder", "folders", list),
      update(view, all) {
        if (!filled) tree.fill(treeOf(all.folders));
        else if (filled !== all.folders) tree.count(treeOf(all.folders));
        filled = all.folders;
        tree.mark(view.filters.in?.[0]);
      },
    };
  }

  function orientationField() {
    const choice = select("orientation.any", (value) => set("orientation", value ? [value] : []));
    return {
      element: field("filter.orientation", choice.element),
      update(view, { orientations = [] }) {
        const photos = new Map(orientations.map((one) => [one.name, one.photos]));
        choice.update(ORIENTATIONS.map((name) => ({ name, label: t(`orientation.${name}`), photos: orientations.length ? photos.get(name) ?? 0 : null })), view.filters.orientation?.[0] ?? "");
      },
    };
  }

  function showField() {
    const one = (name, value, key) => tick(t(key), (isOn) => set(name, isOn ? [value] : []));
    const favourite = one("is", "favourite", "filter.favourites");
    const placed = one("has", "place", "filter.hasPlace");
    const relevant = tick(t("filter.relevant"), (isOn) => change({ ...current(), relevant: isOn, photo: null }));
    const every = tick(t("filter.every"), (isOn) => change({ ...current(), every: isOn, photo: null }));
    return {
      element: section("filter.show", "show", ...[favourite, placed, relevant, every].map(({ element }) => element)),
      update(view, all) {
        favourite.update(view.filters.is?.includes("favourite") ?? false, all.favourites);
        placed.update(view.filters.has?.includes("place") ?? false, all.places);
        relevant.update(view.relevant, null);
        every.update(view.every, null);
      },
    };
  }

  function build() {
    const orientation = orientationField();
    const when = whenFields(current, change, orientation.element);
    const shown = [when, showField(), folderField(), ...lists()];
    panel.replaceChildren(...shown.map(({ element }) => element));
    fields = [orientation, ...shown];
  }

  const update = (view) => fields.forEach((each) => each.update(view, facets));

  /** Get the numbers of a view, unless they are shown already. */
  async function count(view) {
    const wanted = facetParameters(view).toString();
    if (wanted === counted) return;
    asked.abort();
    asked = new AbortController();
    const { signal } = asked;
    panel.setAttribute("aria-busy", "true");
    try {
      [facets, named] = await Promise.all([api.facets(facetParameters(view), signal), allNames()]);
      if (signal.aborted) return;
      counted = wanted;
      if (!fields.length) build();
      update(current());
    } catch (problem) {
      if (signal.aborted) return;
      if (!fields.length) panel.replaceChildren(problemNote(problem));
    }
    panel.removeAttribute("aria-busy");
  }

  function open() {
    panel.hidden = false;
    button.setAttribute("aria-expanded", "true");
    [fields, counted] = [[], null]; // the library may have other folders and cameras by now
    count(current());
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
    const total = countFilters(view);
    button.querySelector(".pg-tally").textContent = total ? formatNumber(total) : "";
    button.setAttribute("aria-label", total ? t("filter.active", { count: total }) : t("filter.button"));
    if (panel.hidden) return;
    if (fields.length) update(view);
    count(view);
  };
}
