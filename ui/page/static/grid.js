// The result grid: pages of photos in justified rows; by relevance the likely ones first and the rest under a quiet heading,
// by date each month under its own.
import { t } from "./i18n.js";
import { clampAspect, GAP, justify, placeGroups, rowHeight } from "./layout.js";
import { monthHeading, monthOf } from "./months.js";
import { make } from "./text.js";
import { markTile, opensTiles, tile } from "./tile.js";
import { moveAmong } from "./moving.js";

const FIRST = 16; // thumbnails asked for at once, about what is in sight
const MONTHS = { gap: GAP, heading: 46, narrowest: 150 };

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
    const begin = this.full;
    const { places, full } = justify(this.results.slice(begin).map(clampAspect), width, rowHeight(width), GAP);
    places.forEach((place, at) => {
      const { style } = this.list.children[begin + at];
      style.width = `${Math.floor(place.width * 100) / 100}px`;
      style.height = `${place.height}px`;
      this.list.children[begin + at].hidden = open && at >= full;
    });
    this.full = begin + full;
  }
}

/** All months of results by date; short ones lie side by side. */
class Months {
  constructor() {
    this.element = make("div", { class: "pg-sheet" });
    this.months = []; // {month, heading, list, results}
  }

  add(result, made) {
    const month = monthOf(result);
    if (!this.months.length || this.months.at(-1).month !== month) {
      const added = { month, heading: monthHeading(month), list: make("ul", { role: "list" }), results: [] };
      this.element.append(make("section", {}, added.heading, added.list));
      this.months.push(added);
    }
    this.months.at(-1).list.append(made);
    this.months.at(-1).results.push(result);
  }

  arrange(width) {
    const groups = this.months.map(({ results }) => ({ aspects: results.map(clampAspect), hasHeading: true, continues: false }));
    const { headings, tiles, height } = placeGroups(groups, { width, ideal: rowHeight(width), ...MONTHS });
    this.element.style.height = `${height}px`;
    this.months.forEach(({ heading }, at) => place(heading, headings[at]));
    this.months.flatMap(({ list }) => [...list.children]).forEach((made, at) => place(made, tiles[at]));
  }
}

/** Put an element at a place of layout.placeGroups. */
export function place(element, { top, left, width, height }) {
  element.style.top = `${top}px`;
  element.style.insetInlineStart = `${left}px`;
  element.style.width = `${width}px`;
  element.style.height = `${height}px`;
}

/** The grid in `element`. `open(id)` is called when a photo is chosen, `hrefOf(id)` gives the address it has,
 *  `hideLess()` asks for the relevant ones only, `added(element)` is called with each new tile and month's heading. */
export function resultGrid(element, { open, hrefOf, hideLess, added }) {
  let results = [];
  let rows = [];
  let months = null;
  let isOpen = false; // more pages may come
  let isSplit = false;
  let width = 0;

  const linkOf = (id) => element.querySelector(`[data-id="${id}"]`);

  function arrange(anew) {
    if (months) months.arrange(width);
    else rows.forEach((each, at) => each.arrange(width, isOpen && at === rows.length - 1, anew));
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
    const made = tile(result, hrefOf(result.id), results.length < FIRST);
    const isLess = isSplit && (rows.at(-1)?.isLess || !isRelevant(result));
    if (months) months.add(result, made);
    else {
      if (!rows.length || isLess !== rows.at(-1).isLess) begin(isLess);
      rows.at(-1).list.append(made);
      rows.at(-1).results.push(result);
    }
    results.push(result);
  }

  /** Add a page; `hasMore` says whether another follows. Returns the first link of what was added. */
  function append(page, hasMore) {
    isOpen = hasMore;
    const before = results.length;
    page.forEach(put);
    element.querySelectorAll(".pg-tile:not([data-seen]), .pg-month").forEach((made) => {
      made.dataset.seen = "";
      added(made);
    });
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

  opensTiles(element, open);
  moveAmong(element, ".pg-tile:not([hidden]) a");

  return {
    /** The photos shown, in their order. */
    get results() { return results; },
    /** Whether the less relevant are under a heading of their own. */
    get isSplit() { return isSplit; },
    append,
    /** Begin anew; with `split` the less relevant come under a heading of their own, with `byMonth` each month does. */
    clear({ split = false, byMonth = false } = {}) {
      [results, rows, isSplit, isOpen] = [[], [], split, false];
      months = byMonth ? new Months() : null;
      element.replaceChildren(...(months ? [months.element] : []));
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
