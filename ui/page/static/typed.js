// Filters that are typed among the words: `cat after:2024 camera:"X100V"`. Pure. docs/searching.md has the grammar.

export const FILTERS = [
  "after", "before", "date", "root", "in", "folder", "camera", "lens", "type", "thing", "place", "is", "has", "orientation", "aspect", "size", "near", "within",
];

const SINGLE = ["after", "before", "orientation"]; // of these a view has one value
const NAME = /([A-Za-z]{2,20}):(?!\/\/)(?=\S)/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"(?=\s|$)/y;
const WORD = /\S+/y;
const WIDE = /[\u3000\uff01-\uff5e]+/g; // as an input method for Chinese or Japanese writes them

function matchAt(pattern, text, position) {
  pattern.lastIndex = position;
  return pattern.exec(text);
}

function usual(name, value) {
  if (name === "is" && value.toLowerCase() === "favorite") return "favourite";
  return name === "is" || name === "orientation" ? value.toLowerCase() : value;
}

/** Take the filters out of a typed text. A text with a quote that is not closed stays as it is: the API refuses it.
 *  @returns {{words: string, filters: Record<string, string[]>}} */
export function splitFilters(typed) {
  const words = [];
  const filters = {};
  const plain = { words: typed.trim(), filters: {} };
  const text = plain.words.replace(WIDE, (wide) => wide.normalize("NFKC"));
  for (let position = 0; position < text.length; ) {
    if (/\s/.test(text[position])) {
      position += 1;
      continue;
    }
    const name = text[position] === '"' ? null : matchAt(NAME, text, position);
    const known = name && FILTERS.includes(name[1].toLowerCase()) ? name[1].toLowerCase() : null;
    const start = known ? position + name[0].length : position;
    const piece = matchAt(text[start] === '"' ? QUOTED : WORD, text, start);
    if (!piece) return plain;
    if (known) {
      const value = piece[1] === undefined ? piece[0] : piece[1].replace(/\\(.)/g, "$1").trim().replace(/\s+/g, " ");
      (filters[known] ??= []).push(usual(known, value));
    } else {
      words.push(piece[0]);
    }
    position = start + piece[0].length;
  }
  return Object.keys(filters).length ? { words: words.join(" "), filters } : plain;
}

/** The filters of a view with those that were typed. */
export function withTyped(filters, typed) {
  const all = { ...filters };
  for (const [name, values] of Object.entries(typed)) {
    all[name] = SINGLE.includes(name) ? values.slice(-1) : [...new Set([...(all[name] ?? []), ...values])];
  }
  return all;
}
