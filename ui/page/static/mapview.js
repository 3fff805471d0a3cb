// The view Map: the photos that pass the view's filters, at the place that the address names.
import { HOME, searchParameters } from "./address.js";
import { photoMap } from "./map.js";

let map = null;
let current = null; // the view that is shown, null while another view is
let page = null;

/** Show the map. An area that was searched for is no filter here, but where the map opens. */
export async function show(container, view, wiring) {
  page = wiring;
  const { within: [area] = [], ...filters } = view.filters;
  current = { ...view, filters };
  if (area) page.keep(current);
  map ??= photoMap(container, {
    search: (within) => page.go({ ...HOME, filters: { ...current.filters, within: [within] } }),
    moved({ latitude, longitude, zoom }) {
      if (!current) return;
      current = { ...current, at: `${latitude.toFixed(4)},${longitude.toFixed(4)},${zoom}` };
      page.keep(current);
    },
    failed: (problem) => page.failed(problem),
  });
  await map.show({ place: placeOf(view.at), area, filters: searchParameters({ ...HOME, filters }).toString() });
}

export function hide() {
  current = null;
  map?.hide();
}

function placeOf(at) {
  if (!at) return null;
  const [latitude, longitude, zoom] = at.split(",").map(Number);
  return { latitude, longitude, zoom };
}
