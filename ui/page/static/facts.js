// What the library knows about a photo, and why it was found, as a list of names and values.
import { HOME } from "./address.js";
import * as api from "./api.js";
import { folderOf } from "./differences.js";
import { exposureParts } from "./exif.js";
import { isRelevant } from "./grid.js";
import { formatBytes, formatDate, formatNumber, t } from "./i18n.js";
import { viewLink } from "./links.js";
import { placeText } from "./named.js";
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

/** Camera, lens and exposure; what only the file knows is filled in when it has been read. */
function taking(photo) {
  const lens = row("fact.lens", make("bdi", {}, photo.lens ?? ""));
  const exposure = row("fact.exposure", make("span", { class: "pg-exposure" }));
  const hide = (cells, isHidden) => cells.forEach((cell) => { cell.hidden = isHidden; });
  hide(lens, !photo.lens);
  hide(exposure, true);
  api.exif(photo.id).then((exif) => {
    const parts = exposureParts(exif);
    exposure[1].firstChild.append(...parts.flatMap((part, at) => [at ? " · " : "", make("bdi", {}, part)]));
    hide(exposure, !parts.length);
    lens[1].firstChild.textContent = photo.lens ?? exif.lens ?? "";
    hide(lens, !lens[1].textContent);
  }, () => {}); // the file is not there: the stage says so
  return [...(photo.camera ? row("fact.camera", make("bdi", {}, photo.camera)) : []), ...lens, ...exposure];
}

function where(photo, go) {
  const text = place(photo.latitude, photo.longitude);
  if (!text) return [];
  const decimal = `${photo.latitude.toFixed(5)}, ${photo.longitude.toFixed(5)}`;
  // geo: opens the map program of this machine; the page itself asks nobody.
  const degrees = make("a", { href: `geo:${photo.latitude.toFixed(6)},${photo.longitude.toFixed(6)}` }, text);
  const map = make("div", { class: "pg-minimap", "data-lat": photo.latitude, "data-lon": photo.longitude });
  import("./minimap.js").then(({ minimap }) => minimap(map, photo.latitude, photo.longitude));
  const near = { ...HOME, filters: { near: [`${photo.latitude.toFixed(4)},${photo.longitude.toFixed(4)},5`] } };
  const onMap = viewLink({ ...near, view: "map" }, go, { "aria-label": t("place.onMap") }, map);
  const name = photo.place ? make("div", { dir: "auto" }, placeText(photo.place)) : "";
  return row("fact.place", name, onMap, degrees, " ", copyButton(decimal), make("div", {}, viewLink(near, go, {}, t("place.near"))));
}

/** The facts of a photo; `result` says why it was found, if it was. `go(view)` follows a link to other photos. */
export function facts(photo, result, go) {
  const size = t("fact.pixels", { width: formatNumber(photo.width), height: formatNumber(photo.height) });
  const folder = photo.folder ?? folderOf(photo.path);
  const inFolder = viewLink({ ...HOME, filters: { in: [folder] } }, go, { title: folder }, make("bdi", {}, fileName(folder)));
  const rows = [
    ...why(result),
    ...(photo.taken_at ? row("fact.taken", formatDate(photo.taken_at)) : []),
    ...where(photo, go),
    ...taking(photo),
    ...(photo.caption ? row("fact.caption", make("bdi", {}, photo.caption)) : []),
    ...(photo.keywords.length ? row("fact.keywords", ...photo.keywords.map((word) => make("span", { class: "pg-keyword", dir: "auto" }, word))) : []),
    ...row("fact.size", `${size} · ${formatBytes(photo.size)} · ${photo.format}`),
    ...row("filter.folder", inFolder),
    ...row("fact.file", make("code", { class: "pg-path" }, photo.path), copyButton(photo.path, t("photo.copyPath"))),
  ];
  return make("dl", {}, ...rows);
}

/** A photo's name and day, for its heading and its label. */
export const title = (photo) => ({ name: photo.name ?? fileName(photo.path), day: formatDate(photo.taken_at, { dateStyle: "long" }) });
