// A photo as large as the window allows; its thumbnail stands in until it has come, or if it cannot.
import { original, thumbnail } from "./api.js";
import { t } from "./i18n.js";
import { make } from "./text.js";

const ENLARGED = 1.5; // how far a small photo is blown up to fill the window

/** The parts that show `photo`, called `name`: the picture, and a note for when its file is not there. */
export function picture(photo, name) {
  const image = make("img", { alt: name, class: "pg-large", src: original(photo.id) });
  [image.style.maxWidth, image.style.maxHeight] = [photo.width, photo.height].map((side) => `min(100%, ${ENLARGED * side}px)`);
  image.style.aspectRatio = `${photo.width} / ${photo.height}`;
  image.style.backgroundImage = `url(${thumbnail(photo.id, photo.version)})`;
  const missing = make("p", { class: "pg-missing", role: "status", hidden: true }, t("photo.missing"));
  image.addEventListener("load", () => { image.style.backgroundImage = ""; });
  image.addEventListener("error", () => {
    if (image.dataset.failed) return;
    image.dataset.failed = "1";
    image.src = thumbnail(photo.id, photo.version);
    missing.hidden = false;
  });
  return [image, missing];
}
