// What the timeline and the selection ask of the HTTP API; api.js has the rest.
import { original, request } from "./api.js";

/** @typedef {{id: number, width: number, height: number, taken_at: string | null, name: string, favourite: boolean}} TimelinePhoto */

const withFilters = (path, filters, more = {}, signal = undefined) => {
  const parameters = new URLSearchParams(filters);
  for (const [name, value] of Object.entries(more)) parameters.set(name, value);
  const text = parameters.toString();
  return request(text ? `${path}?${text}` : path, { signal });
};

/** The months with photos that pass the filters (URLSearchParams), the newest first: `{months: [{month, photos}], photos, first}`,
 *  with the `first` photos of them. app.py has the address of the start page, which asks for it before this script is there. */
export const timeline = (filters, first, signal) =>
  withFilters("timeline", filters, first ? { first } : {}, signal).then((found) => ({ ...found, first: found.first.map(asResult) }));

/** Some photos of a month (null: those without a date), as results of a search have them. */
export const monthPhotos = (month, offset, count, filters, signal) =>
  withFilters(`timeline/${month ?? "undated"}`, filters, { offset, count }, signal).then(({ photos }) => photos.map(asResult));

/** The earlier years with photos of a day, which is written 2026-11-26. */
export const onThisDay = (day) => request(`on-this-day?day=${day}`).then(({ years }) => years);

/** Examples of what can be found in this library: `{language, text}`, at most one in each language. */
export const examples = (language) => request(`explore?language=${language}`).then((document) => document.examples);

/** Mark all these photos as favourites, or none of them. */
export const markAll = (ids, favourite) => request("photos/favourites", { method: "POST", json: { ids, favourite } });

export const download = (id) => `${original(id)}?download=1`;

/** What a result has and a photo of the timeline does not. A file's name may hold a backslash: only "/" parts folders. */
const asResult = (photo) => ({ ...photo, path: `/${photo.name}`, count: 1, why: [], relevance: 0 });
