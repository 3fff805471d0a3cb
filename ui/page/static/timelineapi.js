// What the timeline and the selection ask of the HTTP API; api.js has the rest.
import { original, request } from "./api.js";

const PAGE = 1000; // most photos of one answer
const AT_ONCE = 6; // requests

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

/** All photos of some months, `{month, photos}` of the timeline. */
export async function photosOfMonths(months, filters, signal) {
  const requests = months.flatMap(({ month, photos }) =>
    Array.from({ length: Math.ceil(photos / PAGE) }, (_, page) => [month, PAGE * page, PAGE, filters, signal]));
  const pages = new Array(requests.length);
  let next = 0;
  const work = async () => {
    while (next < requests.length) {
      const at = next;
      next += 1;
      pages[at] = await monthPhotos(...requests[at]);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return pages.flat();
}

/** The earlier years with photos of a day, which is written 2026-11-26. */
export const onThisDay = (day) => request(`on-this-day?day=${day}`).then(({ years }) => years);

/** Examples of what can be found in this library: `{language, text}`, at most one in each language. */
export const examples = (language) => request(`explore?language=${language}`).then((document) => document.examples);

/** Mark all these photos as favourites, or none of them. */
export const markAll = (ids, favourite) => request("photos/favourites", { method: "POST", json: { ids, favourite } });

/** The paths of these photos, in order; photos that are gone are left out. */
export const paths = (ids) => request("photos/paths", { method: "POST", json: { ids } }).then(({ photos }) => photos.map((photo) => photo.path));

export const download = (id) => `${original(id)}?download=1`;

/** What a result has and a photo of the timeline does not. A file's name may hold a backslash: only "/" parts folders. */
const asResult = (photo) => ({ ...photo, path: `/${photo.name}`, count: 1, why: [], relevance: 0 });
