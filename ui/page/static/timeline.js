// Photos by month, the newest first, from one end of the library to the other: what is near the window is loaded and shown.
import { LARGEST, blocksOf, estimate, groupsOf, indexAt, stack } from "./blocks.js";
import { clampAspect, GAP, placeGroups, rowHeight } from "./layout.js";
import { anchorAt, monthAt, topOfAnchor, topOfMonth } from "./places.js";
import { sheet } from "./sheet.js";
import { monthPhotos, photosOfMonths, timeline } from "./timelineapi.js";

const HEADING = 46; // height of a month's heading
const NARROWEST = 150; // least width of one
const FAR = 2; // windows' heights scrolled in one frame from which loading waits
const EDGE = 4; // CSS pixels of a month that have to be in sight before it counts
const PAUSE = 40; // milliseconds it waits

/** Wire the timeline. `header` is what covers the window's top. `hooks`: `hrefOf(id)`, `added(element)` for tiles and headings,
 *  `moved()` after each scroll or change, `failed(problem)`. */
export function timelineView(element, header, hooks) {
  const tiles = sheet(element, hooks);
  const where = new Map(); // id -> {block, at}
  let filters = new URLSearchParams();
  let running = new AbortController();
  let months = null; // null: nothing was loaded yet
  let blocks = [];
  let photos = []; // with holes where nothing is loaded
  let height = 0;
  let above = 0; // the height of what is above the photos
  let covered = 0; // the height of the header, which covers the window's top
  let sight = 0; // the first line that could be seen at the last update
  let width = 0;
  let isShown = false;
  let lastTop = 0;
  let timer = 0;
  let left = null; // the place that was left: {top, anchor}

  const grid = () => ({ width, ideal: rowHeight(width), gap: GAP, heading: HEADING, narrowest: NARROWEST });
  const origin = () => element.getBoundingClientRect().top + scrollY;

  /** Measure what is above, when it may have changed. While one scrolls nothing is measured: it would cost a layout each time. */
  function measure() {
    above = origin();
    covered = header.offsetHeight;
  }
  const line = () => scrollY + header.offsetHeight - origin(); // the first line of the element that can be seen

  // --- places: what is at the top of the window stays there while heights change ---

  function anchor() {
    const y = line();
    return scrollY < 8 || y < 0 || !blocks.length ? null : anchorAt(blocks, y, HEADING);
  }

  function scrollToLine(y) {
    const top = Math.max(0, y - header.offsetHeight + origin());
    if (Math.abs(top - scrollY) >= 1) scrollTo({ top, behavior: "instant" });
  }

  const scrollToAnchor = (kept) => scrollToLine(topOfAnchor(blocks, kept, where.get(kept.id)));

  function settle(kept) {
    height = stack(blocks);
    element.style.height = `${height}px`;
    if (kept) scrollToAnchor(kept);
  }

  // --- loading ---

  async function fetchBlock(block) {
    fill(block, await Promise.all(block.parts.map((part) => monthPhotos(part.month, part.offset, part.count, filters, running.signal))));
  }

  function fill(block, parts) {
    block.photos = parts.flat();
    block.groups = groupsOf(block, parts, clampAspect);
  }

  function place(block) {
    block.placed = placeGroups(block.groups, grid());
    block.height = block.placed.height;
    block.photos.forEach((photo, at) => {
      where.set(photo.id, { block, at });
      photos[block.start + at] = photo;
    });
  }

  /** Load a block, once. */
  function load(block) {
    block.loading ??= fetchBlock(block).then(() => {
      if (!blocks.includes(block) || !width) return;
      const kept = isShown ? anchor() : null;
      place(block);
      settle(kept);
      update();
    }, (problem) => {
      block.loading = null;
      if (problem.name !== "AbortError") hooks.failed(problem);
    });
    return block.loading;
  }

  function update() {
    if (!isShown || !months) return;
    const top = scrollY - above;
    sight = top + covered;
    const near = tiles.show(blocks, top, top + innerHeight);
    const isFar = Math.abs(scrollY - lastTop) > FAR * innerHeight;
    lastTop = scrollY;
    const missing = near.filter((block) => !block.placed);
    clearTimeout(timer);
    if (missing.length) timer = setTimeout(() => missing.forEach(load), isFar ? PAUSE : 0);
    hooks.moved();
  }

  /** Place the first block, which the months came with. */
  function placeFirst(found) {
    const [block] = blocks;
    if (!block || found.first.length < block.count) return;
    let at = 0;
    fill(block, block.parts.map(({ count }) => found.first.slice(at, (at += count))));
    block.loading = Promise.resolve();
    place(block);
    settle(null);
  }

  function begin(found) {
    months = found.months;
    where.clear();
    photos = new Array(found.photos);
    blocks = blocksOf(months);
    for (const block of blocks) block.height = estimate(block, grid());
    settle(null);
  }

  /** Get the months again, and what is in sight; it stays where it is. */
  async function refresh() {
    if (!months || !isShown) return;
    const mine = running;
    try {
      const found = await timeline(filters, 0, mine.signal);
      const next = blocksOf(found.months);
      const top = scrollY - origin();
      const seen = blocks.filter((block) => block.placed && block.top < top + 2 * innerHeight && block.top + block.height > top - innerHeight);
      const parts = seen.flatMap((block) => block.parts);
      const isSeen = (block, at) => (top < innerHeight && at < 2) || block.parts.some((part) =>
        parts.some((old) => old.month === part.month && part.offset < old.offset + 2 * old.count && part.offset + 2 * part.count > old.offset));
      const fresh = next.filter(isSeen);
      await Promise.all(fresh.map(fetchBlock));
      if (mine !== running || !isShown) return;
      const kept = anchor();
      begin(found);
      blocks = next;
      for (const block of blocks) {
        if (block.photos) place(block);
        else block.height = estimate(block, grid());
      }
      settle(kept);
      const line = scrollY - origin();
      tiles.replace(blocks, line, line + innerHeight);
      update();
    } catch (problem) {
      if (problem.name !== "AbortError") hooks.failed(problem);
    }
  }

  let isAsked = false;
  addEventListener("scroll", () => {
    if (isAsked || !isShown) return;
    isAsked = true;
    requestAnimationFrame(() => {
      isAsked = false;
      update();
    });
  }, { passive: true });

  new ResizeObserver(() => {
    if (!element.clientWidth || element.clientWidth === width || !months) return;
    const kept = isShown ? anchor() : null;
    width = element.clientWidth;
    for (const block of blocks) {
      if (block.photos) place(block);
      else block.height = estimate(block, grid());
    }
    settle(kept);
    const top = scrollY - origin();
    tiles.replace(blocks, top, top + innerHeight);
    update();
  }).observe(element);

  // What stands above may open or close, which scrolls nothing.
  const others = new ResizeObserver(() => {
    if (!isShown) return;
    measure();
    update();
  });
  for (const each of [element.parentElement, header]) others.observe(each);

  return {
    refresh,
    update,
    /** The photos, in order, with holes where nothing is loaded yet. */
    get results() { return photos; },
    get total() { return photos.length; },
    get months() { return months ?? []; },
    /** What is asked for: filters as text, or null. */
    get key() { return months && filters.toString(); },
    /** Remember the place, for "back". */
    keep() { if (isShown) left = { top: scrollY, anchor: anchor(), width }; },
    hide() {
      isShown = false;
      element.hidden = true;
      tiles.clear();
    },
    /** Show the photos that pass the filters; with `isBack`, at the place that was left. */
    async show(wanted, isBack) {
      isShown = true;
      element.hidden = false;
      const isSame = months && filters.toString() === wanted.toString();
      width = element.clientWidth;
      if (!isSame) {
        running.abort();
        running = new AbortController();
        const mine = running;
        filters = wanted;
        const found = await timeline(filters, LARGEST, mine.signal);
        if (mine !== running) return;
        tiles.clear();
        begin(found);
        placeFirst(found);
        left = isBack ? left : null;
      }
      measure();
      if (isBack && left) {
        if (left.width === width) scrollTo({ top: left.top, behavior: "instant" });
        else if (left.anchor) scrollToAnchor(left.anchor);
      }
      update();
      if (isSame) refresh();
    },
    /** Where the first line of the window is: the month, and the share of the whole height. */
    position() {
      if (!isShown) return null;
      const y = Math.max(0, sight + EDGE);
      return blocks.length ? { month: monthAt(blocks, y), share: Math.min(1, y / Math.max(1, height)) } : null;
    },
    get height() { return height; },
    /** The share of the height at which a month begins. */
    shareOf(month) {
      return topOfMonth(blocks, month) / Math.max(1, height);
    },
    scrollToShare(share) { scrollToLine(share > 0 ? share * height : -Infinity); },
    scrollToMonth(month) { scrollToLine(topOfMonth(blocks, month) || -Infinity); }, // to the very top, with what is above the photos
    /** See to it that the photos around one are loaded, so that the details can go on. */
    near(index) {
      const at = indexAt(blocks, "start", index);
      return Promise.all([at, index - blocks[at]?.start < 12 ? at - 1 : at, blocks[at + 1]?.start - index < 12 ? at + 1 : at]
        .filter((each) => blocks[each]).map((each) => load(blocks[each])));
    },
    indexOf: (id) => (where.has(id) ? where.get(id).block.start + where.get(id).at : -1),
    /** Scroll until a photo is in sight, and give its link the focus. */
    focus(id) {
      const known = where.get(id);
      if (!known) return;
      const { top, height: tall } = known.block.placed.tiles[known.at];
      const y = known.block.top + top;
      if (y < line() || y + tall > line() + innerHeight - header.offsetHeight) scrollToLine(y - innerHeight / 3);
      update();
      tiles.tiles.get(id)?.querySelector("a")?.focus({ preventScroll: true });
    },
    photoOf: (id) => where.get(id)?.block.photos[where.get(id).at],
    /** Show whether a photo is a favourite; `show(link, photo)` does so on its tile. */
    mark(id, favourite, show) {
      const photo = this.photoOf(id);
      if (!photo) return;
      photo.favourite = favourite;
      if (tiles.tiles.has(id)) show(tiles.tiles.get(id).querySelector("a"), photo);
    },
    /** The photos from one to another, both included. */
    async between(first, last) {
      const [from, to] = [this.indexOf(first), this.indexOf(last)].sort((one, other) => one - other);
      await Promise.all(blocks.slice(indexAt(blocks, "start", from), indexAt(blocks, "start", to) + 1).map(load));
      return photos.slice(from, to + 1).filter(Boolean);
    },
    countOf: (month) => months.find((each) => each.month === month)?.photos ?? 0,
    ofMonth: (month) => photosOfMonths(months.filter((each) => each.month === month), filters, running.signal),
    all: () => photosOfMonths(months, filters, running.signal),
  };
}
