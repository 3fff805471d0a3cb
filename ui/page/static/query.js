// Photos in a query: "sunset + #12 - 0.5: #34" <-> the words and the photos. Pure. docs/searching.md has the grammar.

/** @typedef {{id: number, weight: number}} Liked a photo to look for (weight above 0) or to keep away from */

const WEIGHT = String.raw`(?:(\d{1,3}(?:\.\d{1,3})?):\s+)?`;
const LAST = new RegExp(String.raw`(?:^|\s)([+-])\s+${WEIGHT}#(\d{1,16})$`);
const ALONE = new RegExp(String.raw`^(\d{1,3}(?:\.\d{1,3})?):\s+#(\d{1,16})$`);
const PICTURE = /\.(jpe?g|jpe|jfif|png|apng|webp|gif|bmp|dib|tiff?|heic|heif|hif|avif|dng|cr2|cr3|nef|arw|raf|orf|rw2|pef|srw)$/i;

/** Take the photos at a query's end off it. @returns {{words: string, photos: Liked[]}} */
export function splitQuery(q) {
  const photos = [];
  let words = q.trim();
  for (let found = LAST.exec(words); found; found = LAST.exec(words)) {
    const weight = Number(found[2] ?? 1) * (found[1] === "-" ? -1 : 1);
    photos.unshift({ id: Number(found[3]), weight });
    words = words.slice(0, found.index).trim();
  }
  const alone = ALONE.exec(words);
  if (!alone) return { words, photos };
  return { words: "", photos: [{ id: Number(alone[2]), weight: Number(alone[1]) }, ...photos] };
}

/** What stands for itself alone, but would be a picture or a sign in a sum, goes into quotes. */
function summand(words) {
  if (PICTURE.test(words)) return /["\\]|\s[+-]\s/.test(words) ? words : `"${words}"`;
  return words.replace(/(^|\s)([+-])$/, '$1"$2"');
}

const factor = (weight) => (Math.abs(weight) === 1 ? "" : `${Math.abs(weight)}: `);

/** The query that means these words and photos. */
export function joinQuery(words, photos) {
  const typed = words.trim();
  if (!photos.length) return typed;
  const [first, ...others] = [...photos].sort((one, other) => Number(other.weight > 0) - Number(one.weight > 0));
  const signed = (photo) => `${photo.weight < 0 ? "-" : "+"} ${factor(photo.weight)}#${photo.id}`;
  const begin = typed ? `${summand(typed)} ${signed(first)}` : `${first.weight < 0 ? "- " : ""}${Math.abs(first.weight)}: #${first.id}`;
  return [begin, ...others.map(signed)].join(" ");
}

/** The query with a photo added (`weight` 1) or taken away (-1); what it said of that photo before is forgotten. */
export function withPhoto(q, id, weight) {
  const { words, photos } = splitQuery(q);
  return joinQuery(words, [...photos.filter((photo) => photo.id !== id), { id, weight }]);
}

/** The query without that photo. */
export function withoutPhoto(q, id) {
  const { words, photos } = splitQuery(q);
  return joinQuery(words, photos.filter((photo) => photo.id !== id));
}

/** The query for photos like one. */
export const likePhoto = (id) => joinQuery("", [{ id, weight: 1 }]);
