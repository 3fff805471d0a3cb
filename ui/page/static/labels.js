// Names of filters' values in the page's language: for the chips and for the filter panel.
import { firstDay, shifted } from "./days.js";
import { formatDate, formatNumber, has, named, t } from "./i18n.js";
import { nameOf } from "./named.js";
import { fileName, place } from "./text.js";

const WORDS = {
  "is:favourite": "filter.favourites", "is:undated": "month.none", "has:place": "filter.hasPlace", "has:gps": "filter.hasPlace",
  "orientation:landscape": "orientation.landscape", "orientation:portrait": "orientation.portrait", "orientation:square": "orientation.square",
};
const UNITS = { kb: "kilobyte", mb: "megabyte", gb: "gigabyte" };
const SIZE = /^(<=|>=|<|>|=)?([\d.]+)(?:\.\.([\d.]+))?(mp|px|kb|mb|gb)$/i;

const day = (text) => formatDate(text, { dateStyle: "medium" });

/** "May 2024" of a month, "2024" of a year, a day as it is usual. */
function period(text) {
  const first = firstDay(text);
  if (!first) return text;
  const parts = text.trim().split("-").length;
  return parts === 3 ? day(first) : formatDate(first, parts === 2 ? { year: "numeric", month: "long" } : { year: "numeric" });
}

function size(value) {
  const [, sign = "", low, high, unit] = SIZE.exec(value.trim()) ?? [];
  if (!low) return value;
  const bytes = UNITS[unit.toLowerCase()];
  const measure = (number) => (bytes ? formatNumber(number, { style: "unit", unit: bytes, unitDisplay: "short" }) : t(unit.toLowerCase() === "mp" ? "chip.megapixels" : "chip.pixels", { number }));
  return high ? `${measure(Number(low))} – ${measure(Number(high))}` : compared(sign, measure(Number(low)));
}

/** "Over 4 MP" of a sign and what follows it. */
const compared = (sign, text) => (sign.startsWith(">") ? t("chip.over", { value: text }) : sign.startsWith("<") ? t("chip.under", { value: text }) : text);

function aspect(value) {
  const [, sign = "", ratio] = /^(<=|>=|<|>|=)?(.+)$/.exec(value.trim());
  return named(t("filter.aspect"), compared(sign, ratio));
}

function near(value) {
  const [latitude, longitude, km = 5] = value.toLowerCase().replace(/km$/, "").split(",").map(Number);
  if (![latitude, longitude, km].every(Number.isFinite)) return named(t("filter.place"), value);
  return t("chip.near", { distance: formatNumber(km, { style: "unit", unit: "kilometer", unitDisplay: "short", maximumFractionDigits: 1 }), place: place(latitude, longitude) });
}

const LABELS = {
  after: (value) => (firstDay(value) ? t("chip.after", { date: day(firstDay(value)) }) : null),
  before: (value) => (firstDay(value) ? t("chip.before", { date: day(shifted(firstDay(value), -1)) }) : null),
  date: (value) => value.split("..").map(period).join(" – "),
  root: fileName,
  in: fileName,
  type: (value) => value.toUpperCase(),
  camera: (value) => value,
  size,
  aspect,
  near,
  within: () => t("chip.within"),
  thing: (value) => nameOf("thing", value),
  place: (value) => nameOf("place", value),
};

/** What a filter is called: "Lens: 35 mm", "Portrait", "From 1 May 2024". */
export function label(name, value) {
  const key = WORDS[`${name}:${value}`];
  if (key) return t(key);
  return LABELS[name]?.(value) ?? named(has(`filter.${name}`) ? t(`filter.${name}`) : name, value);
}
