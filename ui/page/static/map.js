// The map: where the photos were taken. A cluster opens the map there, or, where it cannot part any more, its photos.
import * as api from "./api.js";
import { formatNumber, t } from "./i18n.js";
import { make } from "./text.js";
import { worldMap } from "./worldmap.js";

const SMALLEST_BOX = 1e-4; // degrees; a cluster within such a box does not part
const WORLD = [[-60, -170], [75, 180]];

/** The map inside `element`. `search(within)` shows the photos of an area, `moved({latitude, longitude, zoom})` keeps the place,
 *  `failed(problem)` reports what went wrong. */
export function photoMap(element, { search, moved, failed }) {
  let map = null;
  let layer = null;
  let filters = "";
  let asking = null;
  const summary = make("p", { class: "pg-map-summary", role: "status" });
  const here = make("button", { type: "button", class: "pg-pill", onclick: () => search(areaOf(map.getBounds())) }, t("map.showHere"));
  const area = make("button", { type: "button", class: "pg-pill", "aria-pressed": "false", onclick: () => select() }, t("map.selectArea"));
  const frame = make("div", { class: "pg-map-frame" });
  element.replaceChildren(make("div", { class: "pg-map-bar" }, summary, area, here), frame);

  async function show(place, filterText, tiles) {
    filters = filterText;
    if (!map) {
      map = await worldMap(frame, { tiles });
      layer = globalThis.L.layerGroup().addTo(map);
      globalThis.L.control.zoom({ position: "bottomright", zoomInTitle: t("photo.zoomIn"), zoomOutTitle: t("photo.zoomOut") }).addTo(map);
      globalThis.L.control.scale({ position: "bottomleft" }).addTo(map);
      map.on("moveend", refresh);
    }
    map.invalidateSize();
    if (place) map.setView([place.latitude, place.longitude], place.zoom, { animate: false });
    else if (!map._loaded) map.fitBounds((await boundsOfAll()) ?? WORLD, { maxZoom: 8, animate: false });
    else refresh();
  }

  /** The box around all photos, if there are some. */
  async function boundsOfAll() {
    const { clusters } = await api.mapClusters("-90,-180,90,180", 1, filters);
    const boxes = clusters.map(({ within }) => within.split(",").map(Number));
    if (!boxes.length) return null;
    const edge = (pick, index) => pick(...boxes.map((box) => box[index]));
    return [[edge(Math.min, 0), edge(Math.min, 1)], [edge(Math.max, 2), edge(Math.max, 3)]];
  }

  async function refresh() {
    asking?.abort();
    asking = new AbortController();
    const centre = map.getCenter().wrap();
    moved({ latitude: centre.lat, longitude: centre.lng, zoom: map.getZoom() });
    try {
      const { clusters, photos } = await api.mapClusters(areaOf(map.getBounds()), map.getZoom(), filters, asking.signal);
      layer.clearLayers();
      for (const cluster of clusters) layer.addLayer(markerOf(cluster));
      summary.textContent = t("map.photosHere", { count: photos });
      here.disabled = !photos;
    } catch (problem) {
      if (problem.name !== "AbortError") failed(problem);
    }
  }

  function markerOf(cluster) {
    const { latitude, longitude, photos, cover, within } = cluster;
    const label = t("map.photosHere", { count: photos });
    const image = make("img", { src: api.thumbnail(cover), alt: "", loading: "lazy", decoding: "async" });
    const html = make("div", { class: "pg-cluster" }, image, photos > 1 ? make("b", {}, formatNumber(photos)) : null);
    const icon = globalThis.L.divIcon({ className: "", html, iconSize: [56, 56] });
    const shift = 360 * Math.round((map.getCenter().lng - longitude) / 360); // beside the middle of the window, in whichever copy of the world
    const marker = globalThis.L.marker([latitude, longitude + shift], { icon, alt: label, title: label, riseOnHover: true });
    marker.on("add", () => marker.getElement().setAttribute("aria-label", label));
    marker.on("click keypress", (event) => {
      if (event.type === "keypress" && event.originalEvent.key !== "Enter") return;
      open(within, shift);
    });
    return marker;
  }

  function open(within, shift) {
    const [south, west, north, east] = within.split(",").map(Number);
    const isOnePlace = north - south < SMALLEST_BOX && Math.abs(east - west) < SMALLEST_BOX;
    if (isOnePlace || map.getZoom() >= map.getMaxZoom() - 1) search(within);
    else map.fitBounds([[south, west + shift], [north, east + shift]], { maxZoom: map.getMaxZoom() - 1, padding: [40, 40] });
  }

  /** Let the next drag draw a box, and show the photos in it. Escape, or the button again, ends it. */
  function select() {
    const isOn = area.getAttribute("aria-pressed") === "true";
    if (isOn) return end();
    area.setAttribute("aria-pressed", "true");
    frame.classList.add("pg-selecting");
    map.dragging.disable();
    const cancel = (event) => event.key === "Escape" && end();
    const box = make("div", { class: "pg-map-box", hidden: true });
    let first = null;
    const at = (event) => ({ x: event.clientX - frame.getBoundingClientRect().left, y: event.clientY - frame.getBoundingClientRect().top });
    const down = (event) => { first = at(event); frame.setPointerCapture(event.pointerId); event.preventDefault(); event.stopPropagation(); };
    const drag = (event) => {
      if (!first) return;
      const last = at(event);
      box.hidden = false;
      Object.assign(box.style, { left: `${Math.min(first.x, last.x)}px`, top: `${Math.min(first.y, last.y)}px`, width: `${Math.abs(last.x - first.x)}px`, height: `${Math.abs(last.y - first.y)}px` });
    };
    const up = (event) => {
      const [from, to] = [first, at(event)];
      end();
      if (!from || Math.hypot(from.x - to.x, from.y - to.y) < 8) return;
      const [one, two] = [from, to].map(({ x, y }) => map.containerPointToLatLng([x, y]));
      search(areaOf(globalThis.L.latLngBounds(one, two)));
    };
    const listeners = { pointerdown: down, pointermove: drag, pointerup: up };
    for (const [name, listener] of Object.entries(listeners)) frame.addEventListener(name, listener, true);
    addEventListener("keydown", cancel);
    frame.append(box);
    end = () => {
      for (const [name, listener] of Object.entries(listeners)) frame.removeEventListener(name, listener, true);
      removeEventListener("keydown", cancel);
      box.remove();
      frame.classList.remove("pg-selecting");
      area.setAttribute("aria-pressed", "false");
      map.dragging.enable();
      end = () => {};
    };
  }
  let end = () => {};

  return { show, hide: () => end() };
}

/** "S,W,N,E" of Leaflet's bounds, at most once round the world. */
function areaOf(bounds) {
  const [south, north] = [bounds.getSouth(), bounds.getNorth()].map((degrees) => Math.max(-90, Math.min(90, degrees)));
  const isAll = bounds.getEast() - bounds.getWest() >= 360;
  const wrap = (degrees) => ((((degrees + 180) % 360) + 360) % 360) - 180;
  const [west, east] = isAll ? [-180, 180] : [wrap(bounds.getWest()), wrap(bounds.getEast())];
  return [south, west, north, east].map((degrees) => degrees.toFixed(5)).join(",");
}
