// What the library knows about a photo, and why it was found, as a list of names and values.
import { isRelevant } from "./grid.js";
import { formatBytes, formatDate, formatNumber, t } from "./i18n.js";
import { percent, showsPercent } from "./percent.js";
import { copyButton, fileName, make, place } from "./text.js";

const REASONS = { name: "why.name", folder: "why.folder", caption: "why.caption", keyword: "why.keyword", filter: "why.filter" };

const row = (name, ...values) => [make("dt", {}, t(name)), make("dd", {}, ...values)];

function why(result) {
  if (!result?.why?.length) return [];
  const known = { ...REASONS, "looks like": isRelevant(result) ? "why.looks" : "why.near" };
  const reasons = result.why.flatMap((reason) => (known[reason] ? t(known[reason]) : []));
  const share = showsPercent() && percent(result) ? [make("meter", { min: "0", max: "1", value: String(result.relevance), "aria-label": t("fact.relevance") }), percent(result)] : [];
  return row("fact.why", make("ul", { class: "pg-why" }, ...reasons.map((reason) => make("li", {}, reason))), make("div", { class: "pg-share" }, ...share));
}

function where(photo) {
  const text = place(photo.latitude, photo.longitude);
  if (!text) return [];
  const decimal = `${photo.latitude.toFixed(5)}, ${photo.longitude.toFixed(5)}`;
  // geo: opens the map program of this machine; the page itself asks nobody.
  const link = make("a", { href: `geo:${photo.latitude.toFixed(6)},${photo.longitude.toFixed(6)}` }, text);
  return row("fact.place", link, " ", copyButton(decimal));
}

/** The facts of a photo; `result` says why it was found, if it was. */
export function facts(photo, result) {
  const size = t("fact.pixels", { width: formatNumber(photo.width), height: formatNumber(photo.height) });
  const rows = [
    ...why(result),
    ...(photo.taken_at ? row("fact.taken", formatDate(photo.taken_at)) : []),
    ...[["fact.camera", photo.camera], ["fact.lens", photo.lens], ["fact.caption", photo.caption]].flatMap(([name, value]) => (value ? row(name, make("bdi", {}, value)) : [])),
    ...(photo.keywords.length ? row("fact.keywords", ...photo.keywords.map((word) => make("span", { class: "pg-keyword", dir: "auto" }, word))) : []),
    ...row("fact.size", `${size} · ${formatBytes(photo.size)} · ${photo.format}`),
    ...where(photo),
    ...row("fact.file", make("code", { class: "pg-path" }, photo.path), copyButton(photo.path)),
  ];
  return make("dl", {}, ...rows);
}

/** A photo's name and day, for its heading and its label. */
export const title = (photo) => ({ name: fileName(photo.path), day: formatDate(photo.taken_at, { dateStyle: "long" }) });
