// Areas of the map: "S,W,N,E" of the HTTP API <-> Leaflet's bounds. Pure.

const wrapped = (degrees) => ((((degrees + 180) % 360) + 360) % 360) - 180;

/** "S,W,N,E" of Leaflet's bounds, at most once round the world. */
export function boxOf(bounds) {
  const [south, north] = [bounds.getSouth(), bounds.getNorth()].map((degrees) => Math.max(-90, Math.min(90, degrees)));
  const isAll = bounds.getEast() - bounds.getWest() >= 360;
  const [west, east] = isAll ? [-180, 180] : [wrapped(bounds.getWest()), wrapped(bounds.getEast())];
  return [south, west, north, east].map((degrees) => degrees.toFixed(5)).join(",");
}

/** [[S, W], [N, E]] of a box; E is beyond 180 where the box crosses the date line. */
export function boundsOfBox(box) {
  const [south, west, north, east] = box.split(",").map(Number);
  return [[south, west], [north, east < west ? east + 360 : east]];
}

/** The bounds around several boxes. */
export function boundsOfBoxes(boxes) {
  const bounds = boxes.map(boundsOfBox);
  const edge = (pick, corner, axis) => pick(...bounds.map((each) => each[corner][axis]));
  return [[edge(Math.min, 0, 0), edge(Math.min, 0, 1)], [edge(Math.max, 1, 0), edge(Math.max, 1, 1)]];
}
