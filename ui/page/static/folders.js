// The folders of the library as a tree: one is chosen, by mouse or keyboard, as the ARIA pattern for trees has it.
import { formatNumber, isRightToLeft, t } from "./i18n.js";
import { fileName, make } from "./text.js";

/** @typedef {{name: string, whole: string, photos: number, children: Folder[]}} Folder `whole` is its path */

/** The path of a folder of a root; `path` is relative, "" for the root itself. */
function wholePath(root, path) {
  const separator = root.startsWith("/") ? "/" : "\\";
  return !path ? root : root.endsWith(separator) ? root + path : root + separator + path;
}

/** The tree of a flat list `[{root, path, photos}]` that names parents before their children. @returns {Folder[]} */
export function treeOf(folders) {
  const made = new Map();
  const tops = [];
  for (const { root, path, photos } of folders) {
    const whole = wholePath(root, path);
    const folder = { name: fileName(whole), whole, photos, children: [] };
    made.set(`${root}\n${path}`, folder);
    const above = path.slice(0, Math.max(0, path.length - folder.name.length - 1));
    (path ? made.get(`${root}\n${above}`).children : tops).push(folder);
  }
  return tops;
}

function item(folder, level) {
  const row = make("span", { class: "pg-folder" },
    make("span", { class: "pg-twist", "aria-hidden": "true" }),
    make("span", { class: "pg-folder-name", dir: "auto" }, folder.name),
    make("span", { class: "pg-amount" }));
  const made = make("li", {
    role: "treeitem", tabindex: "-1", "aria-level": String(level), "aria-selected": "false",
    "aria-expanded": folder.children.length ? "false" : null, title: folder.whole,
  }, row);
  made.folder = folder;
  showAmount(made);
  return made;
}

function showAmount(one) {
  one.querySelector(".pg-amount").textContent = formatNumber(one.folder.photos);
  one.classList.toggle("pg-vain", !one.folder.photos);
}

/** Open or close a folder; its children are built when it is first opened. */
function expand(one, wanted) {
  if (!one.hasAttribute("aria-expanded")) return;
  one.setAttribute("aria-expanded", String(wanted));
  if (wanted && !one.querySelector("ul")) {
    const level = Number(one.getAttribute("aria-level")) + 1;
    one.append(make("ul", { role: "group" }, ...one.folder.children.map((child) => item(child, level))));
  }
}

const isOpen = (one) => one.getAttribute("aria-expanded") === "true";
const holds = (folder, chosen) => folder.children.some((child) => child.whole === chosen || holds(child, chosen));

/** A tree in `element`; `choose(folder | null)` is called when one is chosen, or the chosen one again.
 *  Returns `show(folders, chosen)`. */
export function folderTree(element, choose) {
  const all = () => [...element.querySelectorAll("[role=treeitem]")].filter((one) => one.offsetParent);

  function focus(one) {
    if (!one) return;
    element.querySelectorAll("[tabindex='0']").forEach((other) => other.setAttribute("tabindex", "-1"));
    one.setAttribute("tabindex", "0");
    one.focus();
  }

  const take = (one) => choose(one.getAttribute("aria-selected") === "true" ? null : one.folder);

  element.addEventListener("click", (event) => {
    const one = event.target.closest("[role=treeitem]");
    if (!one) return;
    if (event.target.closest(".pg-twist") && one.hasAttribute("aria-expanded")) expand(one, !isOpen(one));
    else take(one);
    focus(one);
  });

  element.addEventListener("keydown", (event) => {
    const one = event.target.closest("[role=treeitem]");
    if (!one || event.ctrlKey || event.metaKey || event.altKey) return;
    const [inward, outward] = isRightToLeft() ? ["ArrowLeft", "ArrowRight"] : ["ArrowRight", "ArrowLeft"];
    const shown = all();
    const move = {
      ArrowDown: () => focus(shown[shown.indexOf(one) + 1]),
      ArrowUp: () => focus(shown[shown.indexOf(one) - 1]),
      Home: () => focus(shown[0]),
      End: () => focus(shown.at(-1)),
      [inward]: () => (isOpen(one) ? focus(one.querySelector("[role=treeitem]")) : expand(one, true)),
      [outward]: () => (isOpen(one) ? expand(one, false) : focus(one.parentElement.closest("[role=treeitem]"))),
      Enter: () => take(one),
      " ": () => take(one),
    }[event.key];
    if (!move) return;
    event.preventDefault();
    move();
  });

  function open(items, chosen, isOnly) {
    for (const one of items) {
      one.setAttribute("aria-selected", String(one.folder.whole === chosen));
      if (!isOpen(one) && (isOnly || holds(one.folder, chosen))) expand(one, true);
      open(one.querySelectorAll(":scope > ul > [role=treeitem]"), chosen, false);
    }
  }

  return {
    /** Build the tree anew. @param {Folder[]} folders */
    fill(folders) {
      element.replaceChildren(...folders.map((folder) => item(folder, 1)));
      element.setAttribute("aria-label", t("filter.folder"));
      element.firstElementChild?.setAttribute("tabindex", "0");
    },
    /** Show other numbers beside the same folders. @param {Folder[]} folders */
    count(folders) {
      const photos = new Map();
      const gather = (one) => { photos.set(one.whole, one.photos); one.children.forEach(gather); };
      folders.forEach(gather);
      const change = (folder) => { folder.photos = photos.get(folder.whole) ?? 0; folder.children.forEach(change); };
      for (const one of element.children) change(one.folder);
      for (const one of element.querySelectorAll("[role=treeitem]")) showAmount(one);
    },
    /** Mark the folder with the chosen path, or none, and open what it is in. */
    mark: (chosen) => open(element.children, chosen, element.children.length === 1),
  };
}
