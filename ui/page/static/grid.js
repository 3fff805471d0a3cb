// The result grid: pages of photos in justified rows, likely ones first, the rest under a quiet heading.
import { t } from "./i18n.js";
import { clampAspect, justify } from "./layout.js";
import { make } from "./text.js";
import { markTile, tile } from "./tile.js";
import { moveAmong } from "./moving.js";

const FIRST = 16; // thumbnails asked for at once, about what is in sight
const GAP = 8;

/** Whether a result likely is what was asked for. */
export const isRelevant = (result) => result.verdict !== "unlikely";

/** Rows of one kind: above or below the divider. */
class Rows {
  constructor(isLess) {
    this.list = make("ul", { class: "pg-rows", role: "list" });
    this.isLess = isLess;
    this.results = [];
    this.full = 0;
  }

  /** Place the tiles; with `open` end, those that do not fill a row wait, hidden, for the next page. */
  arrange(width, open, anew) {
    if (anew) this.full = 0;
    const height = width < 560 ? 150 : width < 1000 ? 200 : 240;
    const begin = this.full;
    const { places, full } = justify(this.results.slice(begin).map(clampAspect), width, height, GAP);
    places.forEach((place, at) => {
      const { style } = this.list.children[begin + at];
      style.width = `${Math.floor(place.width * 100) / 100}px`;
      style.height = `${place.height}px`;
      this.list.children[begin + at].hidden = open && at >= full;
    });
    this.full = begin + full;
  }
}

/** The grid in `element`. `open(index)` is called when a photo is chosen, `hrefOf(id)` gives the address it has,
 *  `hideLess()` asks for the relevant ones only. */
export function resultGrid(element, { open, hrefOf, hideLess }) {
  let results = [];
  let rows = [];
  let isOpen = false; // more pages may come
  let isSplit = false;
  let width = 0;

  const linkOf = (id) => element.querySelector(`[data-id="${id}"]`);

  function arrange(anew) {
    rows.forEach((each, at) => each.arrange(width, isOpen && at === rows.length - 1, anew));
  }

  function begin(isLess) {
    const made = new Rows(isLess);
    if (isLess) {
      const hide = make("button", { type: "button", class: "pg-hide", onclick: hideLess }, t("results.hide"));
      element.append(make("div", { class: "pg-less" }, make("h2", {}, t(results.length ? "results.less" : "results.nothing")), results.length ? hide : ""));
    }
    element.append(made.list);
    rows.push(made);
  }

  function put(result) {
    const isLess = isSplit && (rows.at(-1)?.isLess || !isRelevant(result));
    if (!rows.length || isLess !== rows.at(-1).isLess) begin(isLess);
    const current = rows.at(-1);
    current.list.append(tile(result, hrefOf(result.id), results.length < FIRST));
    current.results.push(result);
    results.push(result);
  }

  /** Add a page; `hasMore` says whether another follows. Returns the first link of what was added. */
  function append(page, hasMore) {
    isOpen = hasMore;
    const before = results.length;
    page.forEach(put);
    width = element.clientWidth;
    if (width) arrange(false);
    if (!before) element.querySelector(".pg-tile a")?.setAttribute("tabindex", "0");
    return page.length ? linkOf(page[0].id) : null;
  }

  new ResizeObserver(() => {
    if (element.clientWidth === width || !element.clientWidth) return;
    width = element.clientWidth;
    arrange(true);
  }).observe(element);

  element.addEventListener("click", (event) => {
    const link = event.target.closest(".pg-tile a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return; // a new tab or window has its address
    event.preventDefault();
    open(results.findIndex((result) => String(result.id) === link.dataset.id));
  });
  moveAmong(element, ".pg-tile:not([hidden]) a");

  return {
    /** The photos shown, in their order. */
    get results() { return results; },
    append,
    /** Begin anew; with `split` the less relevant come under a heading of their own. */
    clear(split = false) {
      [results, rows, isSplit, isOpen] = [[], [], split, false];
      element.replaceChildren();
    },
    focus: (id) => linkOf(id)?.focus(),
    /** Show whether a photo is a favourite. */
    mark(id, favourite) {
      const result = results.find((one) => one.id === id);
      if (!result) return;
      result.favourite = favourite;
      markTile(linkOf(id), result);
    },
  };
}
