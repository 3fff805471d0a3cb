// A map of the world that needs no server: Natural Earth's countries, drawn by Leaflet. Both load on first use.
import { countryName } from "./i18n.js";
import { make } from "./text.js";

const here = (path) => new URL(path, import.meta.url);
const LABEL_WIDTH = 80; // pixels a country must be wide to be named
const SMALLEST_ZOOM_OF_LABELS = 3;
const FINEST_ZOOM = 9; // beyond it, countries at 1:50 m show nothing more

/** Call `load` once; if it fails, the next call tries again. */
function once(load) {
  let loading = null;
  return () => (loading ??= load().catch((error) => {
    loading = null;
    throw error;
  }));
}

/** Leaflet, with its rules of style. */
const loadLeaflet = once(async () => {
  const sheet = make("link", { rel: "stylesheet", href: here("vendor/leaflet/leaflet.css") });
  const styled = new Promise((done) => sheet.addEventListener("load", done));
  document.head.prepend(sheet); // our own rules come after it
  await Promise.all([import("./vendor/leaflet/leaflet.js"), styled]);
  return globalThis.L;
});

/** The countries as GeoJSON, and where they are named. */
const loadCountries = once(async () => {
  const [response] = await Promise.all([fetch(here("vendor/world/countries.json")), import("./vendor/topojson/topojson-client.min.js")]);
  const topology = await response.json();
  const countries = globalThis.topojson.feature(topology, topology.objects.countries);
  for (const { geometry } of countries.features) for (const outline of outlinesOf(geometry)) unwrap(outline);
  return { countries, labels: countries.features.filter((country) => country.id).map(labelOf) };
});

const outlinesOf = ({ type, coordinates }) => (type === "Polygon" ? coordinates : coordinates.flat());

/** Make the longitudes of an outline across the date line go on beyond 180: Fiji would be drawn round the world. */
function unwrap(outline) {
  for (let at = 1; at < outline.length; at += 1) {
    const jump = outline[at][0] - outline[at - 1][0];
    if (Math.abs(jump) > 180) outline[at][0] -= 360 * Math.sign(jump);
  }
}

/** Where a country is named: the middle of the box around its largest part. */
function labelOf({ id, geometry }) {
  const boxes = outlinesOf(geometry).map((outline) => {
    const [longitudes, latitudes] = [outline.map((point) => point[0]), outline.map((point) => point[1])];
    return { west: Math.min(...longitudes), east: Math.max(...longitudes), south: Math.min(...latitudes), north: Math.max(...latitudes) };
  });
  const size = (box) => (box.east - box.west) * (box.north - box.south);
  return { code: id, ...boxes.reduce((largest, box) => (size(box) > size(largest) ? box : largest)) };
}

/** Make a map inside `element`; the countries are drawn when the window has time. `tiles` is the address of a tile server as Leaflet
 *  writes it, or null. `options` are Leaflet's.
 *  @returns {Promise<L.Map>} @throws {Error} if Leaflet cannot be loaded */
export async function worldMap(element, { tiles = null, ...options } = {}) {
  if (!tiles) loadCountries().catch(() => undefined); // begins now
  const leaflet = await loadLeaflet();
  const map = leaflet.map(element, {
    renderer: leaflet.svg({ padding: 0.6 }), minZoom: 1, maxZoom: tiles ? 18 : FINEST_ZOOM, worldCopyJump: true, attributionControl: false,
    maxBounds: [[-85.05, -720], [85.05, 720]], maxBoundsViscosity: 1, zoomControl: false, ...options,
  });
  if (tiles) leaflet.tileLayer(tiles, { maxZoom: 18, referrerPolicy: "no-referrer" }).addTo(map);
  else drawCountries(leaflet, map).catch(() => undefined); // the photos are at their places without them
  return map;
}

const pause = () => new Promise((done) => (globalThis.requestIdleCallback ?? setTimeout)(done, { timeout: 500 }));

/** Draw the world, and its copies beyond the date line when there is time. */
async function drawCountries(leaflet, map) {
  const { countries, labels } = await loadCountries();
  for (const shift of [0, 360, -360]) {
    await pause();
    const coordsToLatLng = ([longitude, latitude]) => leaflet.latLng(latitude, longitude + shift);
    leaflet.geoJSON(countries, { interactive: false, style: { className: "pg-country", stroke: true, weight: 1 }, coordsToLatLng }).addTo(map);
    if (!shift) nameCountries(leaflet, map, labels);
  }
}

/** Write the names of the countries that are wide enough in the window, in the page's language. */
function nameCountries(leaflet, map, labels) {
  const layer = leaflet.layerGroup().addTo(map);
  const name = () => {
    layer.clearLayers();
    if (map.getZoom() < SMALLEST_ZOOM_OF_LABELS) return;
    const bounds = map.getBounds();
    for (const { code, west, east, south, north } of labels) {
      const [left, right] = [map.project([north, west]), map.project([south, east])];
      const middle = leaflet.latLng((north + south) / 2, (west + east) / 2);
      if (right.x - left.x < LABEL_WIDTH || !bounds.contains(middle)) continue;
      const icon = leaflet.divIcon({ className: "pg-country-name", html: make("span", {}, countryName(code)), iconSize: [0, 0] });
      layer.addLayer(leaflet.marker(middle, { icon, interactive: false, keyboard: false, zIndexOffset: -10_000 }));
    }
  };
  map.on("moveend", name);
  if (map._loaded) name();
}
