// One photo in a grid: a link to its details, and a box that selects it. Its facts show on hover and focus.
import { thumbnail } from "./api.js";
import { formatDate, formatNumber, joined, t } from "./i18n.js";
import { checkBox } from "./months.js";
import { percent, showsPercent } from "./percent.js";
import { fileName, make } from "./text.js";

const LARGEST = 2; // times its own size: a small picture is not enlarged beyond

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
    src: thumbnail(result.id, result.version), alt: "", decoding: "async",
    loading: isFirst ? "eager" : "lazy", fetchpriority: isFirst ? "high" : null,
  });
  [image.style.maxWidth, image.style.maxHeight] = [`${LARGEST * result.width}px`, `${LARGEST * result.height}px`];
  image.addEventListener("error", () => image.closest(".pg-tile")?.classList.add("pg-broken"));
  const link = make("a", { href, "data-id": String(result.id), "aria-label": label(result, name, day), tabindex: "-1", draggable: "false" },
    image,
    result.count > 1 ? make("span", { class: "pg-count", title: t("tile.alike", { count: result.count }) }, formatNumber(result.count)) : null,
    make("span", { class: "pg-heart", hidden: !result.favourite || null }, "♥"),
    make("span", { class: "pg-facts" },
      make("span", { class: "pg-name", dir: "auto" }, name), make("span", { class: "pg-when" }, day ?? ""), make("span", { class: "pg-relevance" }, percent(result))));
  return make("li", { class: "pg-tile" }, link, checkBox(t("select.photo", { name })));
}

/** Show on a tile's link whether its photo is a favourite. */
export function markTile(link, result) {
  link.querySelector(".pg-heart").hidden = !result.favourite;
  link.setAttribute("aria-label", label(result, fileName(result.path), formatDate(result.taken_at, { dateStyle: "medium" })));
}

/** Call `open(id)` when the link of a tile inside `element` is followed. */
export function opensTiles(element, open) {
  element.addEventListener("click", (event) => {
    const link = event.target.closest(".pg-tile a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return; // a new tab or window has its address
    event.preventDefault();
    open(Number(link.dataset.id));
  });
}
