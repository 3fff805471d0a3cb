// One photo in the grid: a link to its details that carries date, relevance, near-duplicates and favourite mark.
import { thumbnail } from "./api.js";
import { formatDate, formatNumber, joined, t } from "./i18n.js";
import { percent, showsPercent } from "./percent.js";
import { fileName, make } from "./text.js";

const label = (result, name, day) => joined([
  name,
  showsPercent() && percent(result) && t("tile.relevance", { share: percent(result) }),
  day,
  result.count > 1 ? t("tile.alike", { count: result.count }) : null,
  result.favourite ? t("photo.favourite") : null,
]);

/** The tile of a result. `isFirst`: it is in sight at once, so its thumbnail is not lazy. */
export function tile(result, href, isFirst) {
  const name = fileName(result.path);
  const day = formatDate(result.taken_at, { dateStyle: "medium" });
  const image = make("img", {
    src: thumbnail(result.id), alt: "", decoding: "async",
    loading: isFirst ? "eager" : "lazy", fetchpriority: isFirst ? "high" : null,
  });
  image.addEventListener("error", () => image.closest(".pg-tile")?.classList.add("pg-broken"));
  const link = make("a", { href, "data-id": String(result.id), "aria-label": label(result, name, day), tabindex: "-1" },
    image,
    make("span", { class: "pg-name", dir: "auto" }, name),
    result.count > 1 ? make("span", { class: "pg-count", title: t("tile.alike", { count: result.count }) }, formatNumber(result.count)) : null,
    make("span", { class: "pg-heart", hidden: !result.favourite || null }, "♥"),
    make("span", { class: "pg-facts" }, make("span", {}, day ?? ""), make("span", { class: "pg-relevance" }, percent(result))));
  return make("li", { class: "pg-tile" }, link);
}

/** Show on a tile's link whether its photo is a favourite. */
export function markTile(link, result) {
  link.querySelector(".pg-heart").hidden = !result.favourite;
  link.setAttribute("aria-label", label(result, fileName(result.path), formatDate(result.taken_at, { dateStyle: "medium" })));
}
