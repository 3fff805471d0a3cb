// The client of the HTTP API: one function a route, answers as the documents say, failures as a Problem.
import { language } from "./i18n.js";

const API = "api/v1/";

/** An error for the user: `message`, and `hint` with the next step; `code` and `values` say it in any language. */
export class Problem extends Error {
  constructor(message, { hint = "", status = 0, code = null, values = {} } = {}) {
    super(message);
    Object.assign(this, { hint, status, code, values });
  }
}

/** Ask the API. `options` are fetch's; a body that is neither text nor FormData nor a Blob goes as JSON.
 *  @throws {Problem} with status 0 if nobody answers @throws {DOMException} AbortError if the caller's signal says so */
export async function request(path, options = {}) {
  const { json, ...rest } = options;
  if (json !== undefined) Object.assign(rest, { body: JSON.stringify(json), headers: { "Content-Type": "application/json" } });
  let response;
  let document;
  try {
    response = await fetch(API + path, rest);
    document = response.status === 204 ? null : await response.json();
  } catch (failure) {
    if (failure.name === "AbortError") throw failure;
    throw new Problem("");
  }
  if (!response.ok) throw new Problem(document.detail ?? document.title, { ...document, status: response.status });
  return document;
}

/** The address of a photo's small picture; with the photo's `version`, if it has one, the browser need not ask for it again. */
export const thumbnail = (id, version) => `${API}photos/${id}/thumbnail${version ? `?version=${version}` : ""}`;
export const original = (id) => `${API}photos/${id}/original`;

/** A page of results. `picture` is a File to search by, or null; `parameters` are of address.searchParameters. */
export function search(parameters, picture, signal) {
  if (!picture) return request(`search?${parameters}`, { signal });
  const form = new FormData();
  for (const [name, value] of parameters) form.append(name, value);
  form.append("picture", picture);
  return request("search", { method: "POST", body: form, signal });
}

/** Photos like one, without its own near-duplicates. */
/** A picture's file as a small JPEG that every browser shows. @returns {Promise<Blob>} */
export async function pictureThumbnail(file) {
  const response = await fetch(`${API}thumbnail`, { method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" } });
  if (!response.ok) throw new Problem(response.statusText, "", response.status);
  return response.blob();
}

export const similar = (id, count) => request(`similar/${id}?k=${count}&burst=false`);
/** The photos taken before and after one, each with the nearest first. */
export const neighbours = (id, count) => request(`photos/${id}/neighbours?count=${count}`);
export const exif = (id) => request(`photos/${id}/exif`);
/** What the library has that begins like `text`, named in the page's language. */
export const suggest = (text, count, signal) => request(`suggest?${new URLSearchParams({ q: text, language, k: count })}`, { signal });
/** Things, places, folders and cameras of the library, named in the page's language. */
export const explore = () => request(`explore?${new URLSearchParams({ language })}`);
/** What the library knows about a photo; its place is named in the page's language. */
export const photo = (id) => request(`photos/${id}?${new URLSearchParams({ language })}`);
export const duplicates = (id) => request(`photos/${id}/duplicates`);
export const favourite = (id, wanted) => request(`photos/${id}/favourite`, { method: wanted ? "PUT" : "DELETE" });
export const status = () => request("status");
/** What there is to filter by; `parameters` are of a search, whose photos are counted. */
export const facets = (parameters, signal) => request(`facets?${parameters}`, { signal });

/** Clusters of photos inside "S,W,N,E" at a zoom of the map; `filters` are parameters of a search. */
export const mapClusters = (within, zoom, filters, signal) => request(`map?within=${within}&zoom=${zoom}&${filters}`, { signal });
