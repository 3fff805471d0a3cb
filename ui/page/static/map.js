// The map: where the photos were taken. A cluster opens the map there, or, where it cannot part any more, its photos.
import * as api from "./api.js";
import { boundsOfBox, boundsOfBoxes, boxOf } from "./area.js";
import { drawsBox } from "./drawbox.js";
import { formatNumber, t } from "./i18n.js";
import { addControls } from "./mapcontrols.js";
import { placeNames } from "./placenames.js";
import { make } from "./text.js";
import { worldMap } from "./worldmap.js";

const SMALLEST_BOX = 1e-4; // degrees; a cluster within such a box does not part
const WORLD = [[-58, -170], [76, 180]];
const SIDE = 56; // pixels of a cluster

/** The map inside `element`. `search(within)` shows the photos of an area, `moved({latitude, longitude, zoom})` keeps the place,
 *  `failed(problem)` reports what went wrong. */
export function photoMap(element, { search, moved, failed }) {
  const tiles = document.querySelector(".pg").dataset.mapTiles ?? null;
  const shown = new Map(); // what a cluster is -> its marker
  let map = null;
  let layer = null;
  let filters = null;
  let asking = null;
  let photos = 0;
  const summary = make("p", { class: "pg-map-summary", role: "status" });
  const button = (text, onclick) => make("button", { type: "button", class: "pg-pill", onclick }, t(text));
  const area = make("button", { type: "button", class: "pg-pill pg-map-area", "aria-pressed": "false", onclick: () => drawing.toggle() }, t("map.selectArea"));
  const here = button("map.showHere", () => search(boxOf(map.getBounds())));
  const frame = make("div", { class: "pg-map-frame", dir: "ltr", role: "region", "aria-label": t("map.label") });
  const none = make("p", { class: "pg-map-none", hidden: true }, t("map.empty"));
  element.classList.add("pg-map-place");
  element.replaceChildren(make("div", { class: "pg-map-bar" }, area, here), frame, summary, none);
  const drawing = drawsBox(frame, {
    changed(isOn) {
      area.setAttribute("aria-pressed", String(isOn));
      map.dragging[isOn ? "disable" : "enable"]();
      say();
    },
    drawn: (first, last) => search(boxOf(globalThis.L.latLngBounds(...[first, last].map(({ x, y }) => map.containerPointToLatLng([x, y]))))),
  });

  /** Show the photos that pass `filters` at `place`, or in the box `area`, or all of them. */
  async function show({ place, area: box, filters: wanted }) {
    const isNew = filters !== wanted;
    filters = wanted;
    if (!map) await start();
    map.invalidateSize({ pan: false });
    if (place) map.setView([place.latitude, place.longitude], place.zoom, { animate: false });
    else if (box) map.fitBounds(boundsOfBox(box), { animate: false });
    else if (isNew || !map._loaded) await fitAll();
    await refresh();
    if (!photos) showNone(await clustersOfAll());
  }

  const clustersOfAll = () => api.mapClusters("-90,-180,90,180", 1, filters).then(({ clusters }) => clusters);

  /** Say so if no photo at all has a place. */
  function showNone(clusters) {
    none.hidden = clusters.length > 0;
    say();
  }

  async function start() {
    const made = await worldMap(frame, { tiles });
    if (map) return;
    map = made;
    layer = globalThis.L.layerGroup().addTo(map);
    addControls(map, { fit: fitAll, tiles });
    if (!tiles) placeNames(map).catch(() => undefined); // the map does without
    map.on("moveend", refresh);
  }

  async function fitAll() {
    const clusters = await clustersOfAll();
    const bounds = clusters.length ? boundsOfBoxes(clusters.map(({ within }) => within)) : WORLD;
    map.fitBounds(bounds, { maxZoom: 8, padding: [SIDE, SIDE], animate: false });
    showNone(clusters);
  }

  async function refresh() {
    asking?.abort();
    asking = new AbortController();
    const centre = map.getCenter().wrap();
    moved({ latitude: centre.lat, longitude: centre.lng, zoom: map.getZoom() });
    try {
      const answer = await api.mapClusters(boxOf(map.getBounds()), map.getZoom(), filters, asking.signal);
      photos = answer.photos;
      showClusters(answer.clusters);
      if (photos) none.hidden = true;
      say();
    } catch (problem) {
      if (problem.name !== "AbortError") failed(problem);
    }
  }

  function say() {
    summary.textContent = drawing.isOn() ? t("map.selectHint") : none.hidden ? t("map.photosHere", { count: photos }) : "";
    here.disabled = !photos;
  }

  /** Put the clusters on the map. Those that are there stay: their thumbnails would flicker, and the focus would be lost. */
  function showClusters(clusters) {
    const hadFocus = layer.getLayers().some((marker) => marker.getElement() === document.activeElement);
    const wanted = new Map(clusters.map((cluster) => [`${cluster.cover} ${cluster.photos} ${cluster.within} ${shiftOf(cluster)}`, cluster]));
    for (const [key, marker] of shown) {
      if (wanted.has(key)) continue;
      layer.removeLayer(marker);
      shown.delete(key);
    }
    for (const [key, cluster] of wanted) {
      if (shown.has(key)) continue;
      shown.set(key, markerOf(cluster));
      layer.addLayer(shown.get(key));
    }
    if (hadFocus && !frame.contains(document.activeElement)) (layer.getLayers()[0]?.getElement() ?? frame).focus();
  }

  /** Beside the middle of the window, in whichever copy of the world. */
  const shiftOf = ({ longitude }) => 360 * Math.round((map.getCenter().lng - longitude) / 360);

  function markerOf(cluster) {
    const shift = shiftOf(cluster);
    const label = t("map.photosHere", { count: cluster.photos });
    const image = make("img", { src: api.thumbnail(cluster.cover), alt: "", decoding: "async" });
    const html = make("div", { class: "pg-cluster" }, image, cluster.photos > 1 ? make("b", {}, formatNumber(cluster.photos)) : null);
    const icon = globalThis.L.divIcon({ className: "pg-cluster-at", html, iconSize: [SIDE, SIDE] });
    const marker = globalThis.L.marker([cluster.latitude, cluster.longitude + shift], { icon, title: label, riseOnHover: true });
    marker.on("add", () => marker.getElement().setAttribute("aria-label", label));
    marker.on("click keypress", (event) => {
      if (event.type === "click" || event.originalEvent.key === "Enter") open(cluster.within, shift);
    });
    return marker;
  }

  function open(within, shift) {
    const [[south, west], [north, east]] = boundsOfBox(within);
    const isOnePlace = north - south < SMALLEST_BOX && east - west < SMALLEST_BOX;
    const last = map.getMaxZoom();
    if (isOnePlace || map.getZoom() >= last) search(within);
    else map.fitBounds([[south, west + shift], [north, east + shift]], { maxZoom: last, padding: [SIDE, SIDE] });
  }

  return { show, hide: () => drawing.end() };
}
