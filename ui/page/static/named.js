// Names of things and places of this library in the page's language, by the values that filters have for them.
import { explore } from "./api.js";
import { countryName, t } from "./i18n.js";

/** @typedef {{name: string, label: string, photos: number}} Named `name` is the filter's value */

const labels = { thing: new Map(), place: new Map() };
let asked = null;

/** "Kyoto, Japan" of a place, "Japan" of a country. */
export const placeText = ({ name, country }) => (country ? t("place.named", { name, country: countryName(country) }) : name);

async function ask() {
  const { things, places, countries } = await explore();
  const named = {
    thing: things.map(({ key, name, photos }) => ({ name: key, label: name, photos })),
    place: [
      ...places.map((place) => ({ name: place.key, label: placeText(place), photos: place.photos })),
      ...countries.map((place) => ({ name: place.key, label: countryName(place.key), photos: place.photos })),
    ],
  };
  for (const [kind, values] of Object.entries(named)) for (const { name, label } of values) labels[kind].set(name, label);
  return named;
}

/** All things and places of the library, asked for once; none if the server does not know. @returns {Promise<{thing: Named[], place: Named[]}>} */
export const allNames = () => (asked ??= ask().catch(() => ({ thing: [], place: [] })));

/** What a filter's value is called, if that is known by now. */
export const nameOf = (kind, value) => labels[kind]?.get(value) ?? null;

/** Remember what a suggestion called its value. */
export const learn = (kind, value, label) => { if (labels[kind] && !labels[kind].has(value)) labels[kind].set(value, label); };

/** Whether all values of a view's filters have names, as far as they can have them. */
export const areNamed = (filters) => Object.keys(labels).every((kind) => (filters[kind] ?? []).every((value) => labels[kind].has(value)));
