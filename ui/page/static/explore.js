// Explore: what the library holds, as tiles. Each is a link to the search that shows it.
import { HOME } from "./address.js";
import { explore, thumbnail } from "./api.js";
import { countryName, formatNumber, joined, t } from "./i18n.js";
import { viewLink } from "./links.js";
import { learn, placeText } from "./named.js";
import { make } from "./text.js";
import { splitFilters } from "./typed.js";

const [TILE, GAP] = [150, 14]; // pixels: the least width of a tile, and what is between two
const ROWS = { things: 3, places: 2, folders: 1, cameras: 1 };

let shown = null; // the document that is on the page, as text

/** Show what the library holds now; what has not changed stays as it is. */
export async function show(container, _, page) {
  const document = await explore();
  const text = JSON.stringify(document);
  if (text === shown) return;
  shown = text;
  const parts = [shortcuts(document, page), ...Object.entries(tilesOf(document)).map(([name, tiles]) => section(container, name, tiles, page))].filter(Boolean);
  container.replaceChildren(...(parts.length ? parts : [make("p", { class: "pg-explore-empty" }, t("explore.empty"))]));
}

export const hide = () => {};

const filtered = (name, value) => ({ ...HOME, filters: { [name]: [value] } });

/** The tiles of each section: `{name, detail, photos, cover, view}`. */
function tilesOf({ things, places, countries, folders, cameras }) {
  const cities = places.filter(({ key, country }) => key !== country);
  for (const { key, name } of things) learn("thing", key, name);
  for (const city of cities) learn("place", city.key, placeText(city));
  return {
    things: things.map((thing) => ({ ...thing, view: viewOf(thing.q) })),
    places: [
      ...cities.map((city) => ({ ...city, detail: countryName(city.country), view: filtered("place", city.key) })),
      ...countries.map((country) => ({ ...country, name: countryName(country.country), view: filtered("place", country.key) })),
    ].sort((one, two) => two.photos - one.photos),
    folders: folders.map((folder) => ({ ...folder, view: filtered("in", folder.path) })),
    cameras: cameras.map((camera) => ({ ...camera, view: filtered("camera", camera.name) })),
  };
}

function viewOf(q) {
  const { words, filters } = splitFilters(q);
  return { ...HOME, q: words, filters };
}

/** Favourites and duplicates, where there are some. */
function shortcuts({ favourites, duplicates }, page) {
  const content = (name, photos) => [t(`explore.${name}`), make("span", { class: "pg-quiet" }, formatNumber(photos))];
  const links = [
    favourites.photos ? viewLink(filtered("is", "favourite"), page.go, { class: "pg-pill" }, ...content("favourites", favourites.photos)) : null,
    duplicates.photos ? make("button", { type: "button", class: "pg-pill", onclick: () => page.openLibrary("duplicates") }, ...content("duplicates", duplicates.photos)) : null,
  ].filter(Boolean);
  return links.length ? make("div", { class: "pg-shortcuts" }, ...links) : null;
}

/** A heading with as many tiles as fill some rows, and a button that shows all. */
function section(container, name, tiles, page) {
  if (!tiles.length) return null;
  const columns = Math.max(3, Math.floor((container.clientWidth + GAP) / (TILE + GAP)));
  const few = columns * ROWS[name];
  const id = `pg-explore-${name}`;
  const list = make("ul", { class: `pg-cards pg-cards-${name}`, role: "list" });
  const more = make("button", { type: "button", class: "pg-show-all", "aria-describedby": id, "aria-expanded": "false" });
  more.addEventListener("click", () => fill(more.getAttribute("aria-expanded") === "false"));

  function fill(isWhole) {
    list.replaceChildren(...tiles.slice(0, isWhole ? tiles.length : few).map((tile) => card(tile, page)));
    more.setAttribute("aria-expanded", String(isWhole));
    more.textContent = t(isWhole ? "explore.showFewer" : "explore.showAll");
  }

  fill(false);
  return make("section", { "aria-labelledby": id },
    make("header", {}, make("h2", { id }, t(`explore.${name}`)), tiles.length > few ? more : null), list);
}

const card = ({ name, detail, photos, cover, view }, page) =>
  make("li", {},
    viewLink(view, page.go, { class: "pg-card", "aria-label": joined([name, detail, t("count.photos", { count: photos })]) },
      make("img", { src: thumbnail(cover), alt: "", loading: "lazy", decoding: "async" }),
      make("b", { dir: "auto", title: name }, name),
      make("span", {}, make("bdi", {}, detail ? joined([detail, formatNumber(photos)]) : formatNumber(photos)))));
