// The pictures of a search, as chips beside its words: photos by id, and a picture that was dropped, pasted or chosen.
import { thumbnail } from "./api.js";
import { t } from "./i18n.js";
import { make } from "./text.js";

const chip = (source, label, sign, remove) => {
  const image = make("img", { src: source, alt: label });
  image.addEventListener("error", () => image.classList.add("pg-unseen")); // a format that only the server reads, HEIC for one
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
    for (const event of ["load", "error"]) made.querySelector("img").addEventListener(event, () => URL.revokeObjectURL(source));
    chips.unshift(made);
  }
  element.replaceChildren(...chips);
}
