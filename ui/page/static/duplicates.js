// Photos that are there more than once, group by group: where each file lies, and what tells them apart.
import { original, thumbnail } from "./api.js";
import { differing, folderOf } from "./differences.js";
import { t } from "./i18n.js";
import { duplicates } from "./libraryapi.js";
import { fileName, make } from "./text.js";

const copy = (photo, photos) =>
  make("li", {},
    make("a", { href: original(photo.id), target: "_blank", rel: "noopener" }, make("bdi", { dir: "ltr" }, fileName(photo.path))),
    make("bdi", { dir: "ltr", class: "pg-path pg-quiet" }, folderOf(photo.path)),
    ...differing(photo, photos).map((text) => make("span", { class: "pg-quiet", dir: "auto" }, text)));

const group = ({ photos }) =>
  make("li", { class: "pg-twin" },
    make("img", { src: thumbnail(photos[0].id), alt: "", loading: "lazy", width: 72, height: 72 }),
    make("div", {},
      make("p", { class: "pg-quiet" }, t("duplicates.group", { count: photos.length })),
      make("ul", { class: "pg-copies" }, ...photos.map((photo) => copy(photo, photos)))));

/** Fill `element` with the first groups and a way to more. Returns how many are shown. */
export async function showDuplicates(element) {
  const list = make("ul");
  const more = make("button", { type: "button", class: "pg-pill", hidden: true }, t("more"));
  let next = null;

  async function load() {
    const page = await duplicates(next);
    next = page.next;
    list.append(...page.groups.map(group));
    more.hidden = !next;
  }

  more.addEventListener("click", load);
  await load();
  element.replaceChildren(make("p", { class: "pg-quiet" }, t(list.children.length ? "duplicates.text" : "duplicates.none")), list, more);
  return list.children.length;
}
