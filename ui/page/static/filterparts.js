// The parts of the filter panel: lists of values, the folders, and what to show. Each has an `element`, and
// `update(view, facets, named)`: facets of GET /facets, named things and places of named.js.
import { field, section, select, tick, tickList } from "./fields.js";
import { folderTree, treeOf } from "./folders.js";
import { t } from "./i18n.js";
import { label } from "./labels.js";
import { make } from "./text.js";

const LISTS = { camera: "cameras", lens: "lenses", type: "types", place: "cities", thing: "things" }; // filter -> its facet
const ORIENTATIONS = ["landscape", "portrait", "square"];

const NAMED = ["thing", "place"]; // shown when their names in the page's language are known: a count has their keys only

/** The values of a filter with their names; without numbers where the server counts none. */
function values(name, counted, named) {
  const photos = new Map(counted?.map((value) => [value.key ?? value.name, value.photos]));
  const all = (NAMED.includes(name) ? named[name] : counted) ?? [];
  return all.map((value) => ({
    name: value.name, label: value.label ?? (name === "type" ? label(name, value.name) : value.name), photos: counted ? photos.get(value.name) ?? 0 : null,
  }));
}

/** Cameras, lenses, kinds of file, places and things. `set(name, values)` asks for other values of a filter. */
export const listParts = (set) => Object.entries(LISTS).map(([name, facet]) => {
  const list = tickList(`filter.${name}`, `list pg-filter-${name}`, (chosen) => set(name, chosen));
  return { element: list.element, update: (view, facets, named) => list.update(values(name, facets[facet], named), view.filters[name] ?? []) };
});

/** The folders, of which one is chosen. */
export function folderPart(set) {
  const list = make("ul", { role: "tree", class: "pg-tree" });
  const tree = folderTree(list, (folder) => set("in", folder ? [folder.whole] : []));
  let counted = null;
  return {
    element: section("filter.folder", "folders", list),
    update(view, { folders }) {
      if (!counted) tree.fill(treeOf(folders));
      else if (counted !== folders) tree.count(treeOf(folders));
      counted = folders;
      tree.mark(view.filters.in?.[0]);
    },
  };
}

/** The orientation, of which one is chosen. */
export function orientationPart(set) {
  const choice = select("orientation.any", (value) => set("orientation", value ? [value] : []));
  return {
    element: field("filter.orientation", choice.element),
    update(view, { orientations }) {
      const photos = new Map(orientations?.map((one) => [one.name, one.photos]));
      const options = ORIENTATIONS.map((name) => ({ name, label: label("orientation", name), photos: orientations ? photos.get(name) ?? 0 : null }));
      choice.update(options, view.filters.orientation?.[0] ?? "");
    },
  };
}

/** Favourites, photos with a place, and how results are shown. `change(change)` asks for a view with other properties. */
export function showPart(set, change) {
  const one = (name, value, key) => tick(t(key), (isOn) => set(name, isOn ? [value] : []));
  const [favourite, placed] = [one("is", "favourite", "filter.favourites"), one("has", "place", "filter.hasPlace")];
  const [relevant, every] = [tick(t("filter.relevant"), (isOn) => change({ relevant: isOn })), tick(t("filter.every"), (isOn) => change({ every: isOn }))];
  return {
    element: section("filter.show", "show", ...[favourite, placed, relevant, every].map(({ element }) => element)),
    update(view, facets) {
      favourite.update(view.filters.is?.includes("favourite") ?? false, facets.favourites);
      placed.update(view.filters.has?.includes("place") ?? false, facets.places);
      relevant.update(view.relevant, null);
      every.update(view.every, null);
    },
  };
}
