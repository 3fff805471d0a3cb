// A small map of one place, which does not move.
import { worldMap } from "./worldmap.js";

const ZOOM = 4;

/** Draw a map of a place in decimal degrees into `element`, which has a size. @throws {Error} if the map cannot be loaded */
export async function minimap(element, latitude, longitude) {
  const still = { dragging: false, touchZoom: false, scrollWheelZoom: false, doubleClickZoom: false, boxZoom: false, keyboard: false, trackResize: false };
  const map = await worldMap(element, { ...still, center: [latitude, longitude], zoom: ZOOM, fadeAnimation: false });
  // Above the countries, which are drawn later.
  globalThis.L.circleMarker([latitude, longitude], { radius: 7, className: "pg-here", interactive: false, pane: "markerPane" }).addTo(map);
}
