// What the page shows <-> its address. Pure: nothing here touches the window.
import { FILTERS, splitFilters, withTyped } from "./typed.js";

/** @typedef {object} View
 *  @property {"photos" | "explore" | "map"} view what is shown: photos (the start, or results), or a view of views.js
 *  @property {string} q what was typed, with photos by id: see query.js
 *  @property {Record<string, string[]>} filters values by the names of docs/searching.md
 *  @property {boolean} relevant only what is relevant
 *  @property {boolean} every near-duplicates one by one
 *  @property {"relevance" | "date"} sort
 *  @property {string | null} at the place on the map: "latitude,longitude,zoom"
 *  @property {number | null} photo the id of the photo that is open */

export { FILTERS };

/** Views beside the photos. */
export const VIEWS = ["explore", "map"];

/** @type {View} */
export const HOME = Object.freeze({ view: "photos", q: "", filters: {}, relevant: false, every: false, sort: "relevance", at: null, photo: null });

const AT = /^-?\d{1,2}(\.\d{1,6})?,-?\d{1,3}(\.\d{1,6})?,\d{1,2}(\.\d{1,2})?$/;

/** The view of an address's `?…`; whatever makes no sense in it is left out. @returns {View} */
export function parseAddress(search) {
  const given = new URLSearchParams(search);
  const filters = {};
  for (const name of FILTERS) {
    const values = given.getAll(name).filter((value) => value.trim());
    if (values.length) filters[name] = values;
  }
  const photo = given.get("photo") ?? "";
  const typed = splitFilters(given.get("q") ?? "");
  return {
    view: VIEWS.includes(given.get("view")) ? given.get("view") : "photos",
    q: typed.words,
    filters: withTyped(filters, typed.filters),
    relevant: given.get("relevant") === "true",
    every: given.get("all") === "true",
    sort: given.get("sort") === "date" ? "date" : "relevance",
    at: AT.test(given.get("at") ?? "") ? given.get("at") : null,
    photo: /^[1-9]\d{0,15}$/.test(photo) ? Number(photo) : null,
  };
}

/** What the HTTP API is asked for a view: the same names as in the address. @returns {URLSearchParams} */
export function searchParameters(view) {
  const parameters = new URLSearchParams();
  if (view.q) parameters.set("q", view.q);
  for (const name of FILTERS) {
    for (const value of view.filters[name] ?? []) parameters.append(name, value);
  }
  if (view.relevant) parameters.set("relevant", "true");
  if (view.every) parameters.set("all", "true");
  if (view.sort !== "relevance") parameters.set("sort", view.sort);
  return parameters;
}

/** The `?…` of a view; empty for the start. */
export function formatAddress(view) {
  const parameters = searchParameters(view);
  if (view.view !== "photos") parameters.set("view", view.view);
  if (view.view === "map" && view.at) parameters.set("at", view.at);
  if (view.photo) parameters.set("photo", String(view.photo));
  const text = parameters.toString();
  return text ? `?${text}` : "";
}

/** How many filters are set. */
export const countFilters = (view) =>
  Object.values(view.filters).reduce((sum, values) => sum + values.length, 0) + Number(view.relevant) + Number(view.every);

/** Whether a view asks for photos at all. */
export const asks = (view) => Boolean(view.q || Object.keys(view.filters).length);

/** The view with other values of one filter; none at all take it out. @returns {View} */
export function withFilter(view, name, values) {
  const { [name]: _, ...others } = view.filters;
  return { ...view, filters: values.length ? { ...others, [name]: values } : others, photo: null };
}
