// The page's language: its words (words/CODE.json), plural forms, numbers, dates, direction.
// The words are fetched when this module loads, so that modules that import it have them.

/** The languages of the page, each by its own name. */
export const languages = {
  en: "English", zh: "中文", es: "Español", fr: "Français", ru: "Русский", ja: "日本語", ko: "한국어", ar: "العربية", it: "Italiano",
};

const KEPT = "polyglance.language"; // in localStorage, once the user has chosen: early.js reads it
const [OPEN, CLOSE] = ["\u2068", "\u2069"]; // isolate a text, so that its direction does not affect the text around it

const primary = (tag) => tag.toLowerCase().split("-")[0];

/** The code of the page's language: the one chosen, else the first of the browser's that there are words for. */
export const language = document.documentElement.dataset.language ?? "en"; // early.js chose it

/** What numbers and dates are written for: the browser's variety of the language (en-GB, ar-EG), if it has one. */
export const locale = navigator.languages.find((tag) => primary(tag) === language) ?? language;

export const isRightToLeft = () => language === "ar";
export const direction = isRightToLeft() ? "rtl" : "ltr";

const words = await fetch(new URL(`words/${language}.json`, import.meta.url)).then((response) => response.json()).catch(() => ({}));
const plural = new Intl.PluralRules(language);

// Gradio's script, which starts later, sets them by the browser's language.
const setDocument = () => Object.assign(document.documentElement, { lang: language, dir: direction });
setDocument();
new MutationObserver(() => document.documentElement.lang !== language && setDocument()).observe(document.documentElement, { attributeFilter: ["lang"] });

/** Choose the page's language. The page is loaded again: its state is in the address. */
export function setLanguage(code) {
  try {
    localStorage.setItem(KEPT, code);
  } finally {
    location.reload();
  }
}

/** The pattern of a key: a text, or the form of it that `parameters.count` needs. */
function pattern(key, parameters) {
  const found = words[key] ?? key;
  return typeof found === "string" ? found : found[plural.select(parameters.count)];
}

const pieces = (text) => text.split(/\{(\w+)\}/); // text, name, text, name, …, text

/** Whether there is a text of that key. */
export const has = (key) => Object.hasOwn(words, key);

/** The text of a key, with `{name}` replaced by the parameter of that name; numbers are written as the language does. */
export function t(key, parameters = {}) {
  const written = (value) => (typeof value === "number" ? formatNumber(value) : isRightToLeft() ? `${OPEN}${value}${CLOSE}` : value);
  return pieces(pattern(key, parameters)).map((piece, at) => (at % 2 ? written(parameters[piece]) : piece)).join("");
}

/** The same as nodes for `append`: each parameter, an element or a text, in a `<bdi>` of its own. */
export function nodes(key, parameters = {}) {
  return pieces(pattern(key, parameters)).map((piece, at) => {
    if (at % 2 === 0) return piece;
    const isolated = document.createElement("bdi");
    const value = parameters[piece];
    isolated.append(typeof value === "number" ? formatNumber(value) : value);
    return isolated;
  });
}

/** "a, b, c" of texts, as the language parts them. */
export const joined = (texts) => texts.filter(Boolean).reduce((first, second) => (first ? t("list.parts", { first, second }) : second), "");

/** "name: value" as the language writes it. */
export const named = (name, value) => t("list.named", { name, value });

/** Put the words into a piece of HTML: `data-t` names the key of an element's text, `data-t-title` that of an attribute. */
export function translate(root) {
  Object.assign(root, { lang: language, dir: direction }); // Gradio's frame, between the document and us, is always from left to right
  for (const element of root.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const name of ["title", "aria-label", "placeholder"]) {
    for (const element of root.querySelectorAll(`[data-t-${name}]`)) element.setAttribute(name, t(element.getAttribute(`data-t-${name}`)));
  }
}

const formatters = new Map(); // making a formatter takes longer than using it a hundred times

function formatter(Kind, options) {
  const key = `${Kind.name} ${JSON.stringify(options)}`;
  if (!formatters.has(key)) formatters.set(key, new Kind(locale, options));
  return formatters.get(key);
}

const measured = (value, unit, digits = 0) =>
  formatNumber(value, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: digits });

export const formatNumber = (value, options = {}) => formatter(Intl.NumberFormat, options).format(value);
export const formatPercent = (share) => formatNumber(share, { style: "percent" });
export const formatMilliseconds = (value) => measured(value, "millisecond", value < 10 ? 1 : 0);
export const formatLength = (millimetres) => measured(millimetres, "millimeter", 1);
export const countryName = (code) => new Intl.DisplayNames([language], { type: "region" }).of(code);

/** "1/250 s" or "2 s" of an exposure in seconds: short ones as a fraction, as cameras show them. */
export function formatExposure(seconds) {
  const fraction = () => `${formatNumber(1)}/${formatNumber(Math.round(1 / seconds), { useGrouping: false })}`;
  return t("exif.seconds", { time: seconds < 0.3 ? fraction() : formatNumber(seconds, { maximumFractionDigits: 1 }) });
}

export const languageName = (code) => new Intl.DisplayNames([language], { type: "language" }).of(code);

/** "14 March 2019 at 09:30" of an ISO 8601 time as the camera's clock showed it; the offset, if any, is appended. */
export function formatDate(iso, style = { dateStyle: "long", timeStyle: "short" }) {
  if (!iso) return null;
  const moment = new Date(iso.length > 10 ? `${iso.slice(0, 19)}Z` : iso); // a day alone is in UTC by itself
  if (iso.length < 10 || Number.isNaN(moment.getTime())) return iso;
  const shown = formatter(Intl.DateTimeFormat, { ...style, timeZone: "UTC" }).format(moment);
  return style.timeStyle && iso.length > 19 ? `${shown} (UTC${iso.slice(19)})` : shown;
}

/** "3 years ago" of -3 years. */
export const formatRelative = (value, unit) => new Intl.RelativeTimeFormat(locale, { numeric: "always" }).format(value, unit);

/** "1 hr 5 min" of seconds: two units at most, nothing finer than is worth knowing. */
export function formatDuration(seconds) {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 60) return measured(whole, "second");
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return measured(minutes, "minute");
  const parts = [measured(Math.floor(minutes / 60), "hour")];
  if (minutes % 60) parts.push(measured(minutes % 60, "minute"));
  return new Intl.ListFormat(locale, { type: "unit", style: "narrow" }).format(parts);
}

/** "1.2 MB" of bytes, in powers of 1000 as file managers count. */
export function formatBytes(size) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, size)) / 3));
  return measured(size / 1000 ** step, units[step], step > 1 ? 1 : 0);
}
