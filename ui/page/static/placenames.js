// The names of the library's places on the map: what is in sight between borders, where the countries show nothing more.
import { explore } from "./api.js";
import { make } from "./text.js";

const SMALLEST_ZOOM = 5;
const [BELOW, HEIGHT, LETTER] = [40, 18, 9]; // pixels: under a cluster's middle; of a line; of a wide letter

/** Name the places on `map`, a map of Leaflet, whenever it has moved. */
export async function placeNames(map) {
  const { places } = await explore();
  const layer = globalThis.L.layerGroup().addTo(map);
  const show = () => {
    layer.clearLayers();
    if (map.getZoom() < SMALLEST_ZOOM) return;
    const taken = [];
    for (const { name, latitude, longitude } of places) { // those with most photos first
      const shift = 360 * Math.round((map.getCenter().lng - longitude) / 360);
      if (!map.getBounds().contains([latitude, longitude + shift])) continue;
      const { x, y } = map.latLngToContainerPoint([latitude, longitude + shift]);
      const half = (name.length * LETTER) / 2;
      if (taken.some((other) => Math.abs(other.x - x) < other.half + half && Math.abs(other.y - y) < HEIGHT)) continue;
      taken.push({ x, y, half });
      const icon = globalThis.L.divIcon({ className: "pg-place-name", html: make("bdi", {}, name), iconSize: [0, 0], iconAnchor: [0, -BELOW] });
      layer.addLayer(globalThis.L.marker([latitude, longitude + shift], { icon, interactive: false, keyboard: false }));
    }
  };
  map.on("moveend", show);
  if (map._loaded) show();
}
