// The pictures of a search, as chips beside its words: photos by id, and a picture that was dropped, pasted or chosen.
import { pictureThumbnail, thumbnail } from "./api.js";
import { t } from "./i18n.js";
import { make } from "./text.js";

const thumbnails = new WeakMap(); // File -> a promise of its thumbnail: each is asked for once

/** Let the server show a picture whose format only it can read: HEIC, RAW, TIFF. */
async function showByServer(image, file) {
  try {
    if (!thumbnails.has(file)) thumbnails.set(file, pictureThumbnail(file));
    const source = URL.createObjectURL(await thumbnails.get(file));
    image.addEventListener("load", () => URL.revokeObjectURL(source), { once: true });
    image.src = source;
    image.classList.remove("pg-unseen");
  } catch {
    // The search says what is wrong with the picture.
  }
}

const chip = (source, label, sign, remove) => {
  const image = make("img", { src: source, alt: label });
  image.addEventListener("error", () => image.classList.add("pg-unseen"));
  return make("span", { class: "pg-liked", title: label }, sign ? make("b", { "aria-hidden": "true" }, sign) : "", image,
    make("button", { type: "button", "aria-label": t("like.remove"), title: t("like.remove"), onclick: remove }, "×"));
};

/** Fill `element`. `photos` are of query.splitQuery, `file` is a File or null. */
export function showLiked(element, photos, file, { removePhoto, removeFile }) {
  const chips = photos.map((photo) =>
    chip(thumbnail(photo.id), t(photo.weight < 0 ? "like.less" : "like.more"), photo.weight < 0 ? "−" : photos.length > 1 ? "+" : "", () => removePhoto(photo.id)));
  if (file) {
    const source = URL.createObjectURL(file);
    const made = chip(source, t("like.alt"), "", removeFile);
    const image = made.querySelector("img");
    for (const event of ["load", "error"]) image.addEventListener(event, () => URL.revokeObjectURL(source), { once: true });
    image.addEventListener("error", () => showByServer(image, file), { once: true });
    chips.unshift(made);
  }
  element.replaceChildren(...chips);
}
