// A small map of where a photo was taken.
import { make, place } from "./text.js";

/** Fill `element` with a map of the place, in decimal degrees. */
export function minimap(element, latitude, longitude) {
  element.replaceChildren(make("span", {}, place(latitude, longitude)));
}
