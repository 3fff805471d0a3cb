// What can be done with the selected photos: a bar that is there while there are any.
import { t } from "./i18n.js";
import { make } from "./text.js";
import { download, markAll, paths } from "./timelineapi.js";

const MOST = 5000; // photos in one request
const MOST_ALIKE = 12; // photos that a query names
const ICONS = {
  download: "M12 4v11m-4.5-4.2L12 15.3l4.5-4.5M5 19.5h14",
  copy: "M9 8.5h9.5v11H9zM15 5H5.5v11",
  favourite: "M12 19.6C6.6 15.8 4 12.9 4 9.7 4 7.4 5.8 5.6 8 5.6c1.7 0 3.2 1 4 2.6.8-1.6 2.3-2.6 4-2.6 2.2 0 4 1.8 4 4.1 0 3.2-2.6 6.1-8 9.9z",
  more: "M12 5v14M5 12h14",
  less: "M5 12h14",
  all: "m4 12.5 4.2 4.2L17 8m-5.5 8.7L20.3 8",
};

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** A form or a link that the browser itself follows: the answer is a file, and the page stays. */
function save(ids) {
  const parts = ids.length === 1
    ? make("a", { href: download(ids[0]), download: "", hidden: true })
    : make("form", { method: "post", enctype: "multipart/form-data", action: "api/v1/photos/zip", hidden: true }, make("input", { name: "ids", value: ids.join(",") }));
  document.body.append(parts);
  if (ids.length === 1) parts.click();
  else parts.submit();
  parts.remove();
}

/** The paths of photos, in order; the timeline knows only names. */
async function pathsOf(ids) {
  const parts = Array.from({ length: Math.ceil(ids.length / MOST) }, (_, at) => paths(ids.slice(MOST * at, MOST * (at + 1))));
  return (await Promise.all(parts)).flat();
}

/** Fill `element`. `hooks`: `all()` selects everything there is, `weigh(ids, weight)` searches for more or less like them,
 *  `isRanked()` whether there is a search to take away from, `marked(id, favourite)`, `failed(problem)`.
 *  Returns `update()`, to be called when the selection has changed. */
export function selectionBar(element, selected, hooks) {
  const count = make("b", { class: "pg-selected-count", role: "status", "aria-live": "polite" });
  const button = (name, key, act) =>
    make("button", { type: "button", class: `pg-act-${name}`, title: t(key), onclick: () => attempt(act) }, icon(name), make("span", {}, t(key)));
  const clear = make("button", { type: "button", class: "pg-act-clear", "aria-label": t("select.clear"), title: `${t("select.clear")} (Esc)`, onclick: () => selected.clear() }, "×");
  const copy = button("copy", "select.copy", async () => {
    await navigator.clipboard.writeText((await pathsOf(selected.ids)).join("\n"));
    say(t("copied"));
  });
  const less = button("less", "select.less", () => hooks.weigh(selected.ids.slice(0, MOST_ALIKE), -1));
  const heart = button("favourite", "photo.favourite", async () => {
    const isOn = !selected.photos.every((photo) => photo.favourite);
    for (let at = 0; at < selected.size; at += MOST) {
      const { ids } = await markAll(selected.ids.slice(at, at + MOST), isOn);
      for (const id of ids) hooks.marked(id, isOn);
    }
    for (const photo of selected.photos) photo.favourite = isOn;
    update();
  });
  const acts = make("div", { class: "pg-select-acts" },
    button("download", "select.download", () => (selected.size > MOST ? say(t("select.most", { count: MOST })) : save(selected.ids))), copy, heart,
    button("more", "select.more", () => hooks.weigh(selected.ids.slice(0, MOST_ALIKE), 1)), less,
    button("all", "select.all", hooks.all));
  element.append(clear, count, acts);

  function say(text) {
    count.textContent = text;
    setTimeout(update, 2500);
  }

  async function attempt(act) {
    element.setAttribute("aria-busy", "true");
    try {
      await act();
    } catch (problem) {
      hooks.failed(problem);
    }
    element.removeAttribute("aria-busy");
  }

  function update() {
    const { size } = selected;
    if (!size && element.contains(document.activeElement)) document.querySelector(".pg-tile [tabindex='0']")?.focus({ preventScroll: true });
    element.hidden = !size;
    if (!size) return;
    count.textContent = t("select.count", { count: size });
    less.hidden = !hooks.isRanked();
    heart.setAttribute("aria-pressed", String(selected.photos.every((photo) => photo.favourite)));
  }

  addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !selected.size || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    selected.clear();
  });
  return { update };
}
