// A small map of where a photo was taken, inside a link to the library's map.
import { t } from "./i18n.js";

/** Fill `element` for the place with these decimal degrees, which its data attributes hold as well. */
export function minimap(element) {
  element.replaceChildren(t("place.onMap"));
}
