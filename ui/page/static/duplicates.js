// Photos that are there more than once, group by group.
import { original, thumbnail } from "./api.js";
import { t } from "./i18n.js";
import { duplicates } from "./libraryapi.js";
import { fileName, make } from "./text.js";

const copy = (photo) =>
  make("li", {},
    make("a", { href: original(photo.id), target: "_blank", rel: "noopener", title: photo.path },
      make("img", { src: thumbnail(photo.id), alt: "", loading: "lazy", width: 72, height: 72 }),
      make("bdi", { dir: "ltr" }, fileName(photo.path))));

const group = (found) =>
  make("li", {},
    make("p", { class: "pg-quiet" }, t("duplicates.group", { count: found.photos.length })),
    make("ul", { class: "pg-copies" }, ...found.photos.map(copy)));

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
