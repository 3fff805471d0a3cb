// The encoder in use, and the command that switches to another.
import { formatBytes, has, t } from "./i18n.js";
import { command } from "./roots.js";
import { make } from "./text.js";

/** The description in the page's language, if there is one, else the package's own in English. */
function about(encoder) {
  const key = `encoder.about.${encoder.name}`;
  const isOurs = has(key);
  return make("p", { class: "pg-quiet", lang: isOurs ? null : "en", dir: isOurs ? null : "ltr" }, isOurs ? t(key) : encoder.description);
}

function availability(encoder) {
  if (encoder.ready) return t("encoder.ready");
  return encoder.download_bytes ? t("encoder.fetch", { size: formatBytes(encoder.download_bytes) }) : t("encoder.fetchUnknown");
}

function row(encoder) {
  const name = make("p", {}, make("b", { dir: "ltr" }, encoder.name), " ", encoder.active ? make("span", { class: "pg-tag" }, t("encoder.active")) : null);
  const lines = [name, about(encoder)];
  if (!encoder.active) {
    lines.push(make("p", { class: "pg-quiet" }, availability(encoder)), command(`polyglance reencode --encoder ${encoder.name}`));
  }
  return make("li", { class: encoder.active ? "pg-in-use" : null }, ...lines);
}

/** Fill `element`: the one in use first. */
export function showEncoders(element, encoders) {
  const ordered = [...encoders].sort((one, other) => Number(other.active) - Number(one.active));
  element.replaceChildren(make("p", { class: "pg-quiet" }, t("encoder.text")), make("ul", {}, ...ordered.map(row)));
}
