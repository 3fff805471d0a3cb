// The part of the timeline that is in the document: blocks and tiles near the window, at their places; all others are left out.
import { indexAt } from "./blocks.js";
import { place } from "./grid.js";
import { monthHeading } from "./months.js";
import { make } from "./text.js";
import { tile } from "./tile.js";

const NEAR = 900; // CSS pixels beyond the window within which tiles are in the document

/** Wire the element that tiles are put into. `hrefOf(id)` gives a photo's address, `added(tile)` is called with each new tile. */
export function sheet(element, { hrefOf, added }) {
  let shown = new Map(); // block -> {element, list, first, last}: the tiles from `first` to before `last` are in the list
  const tiles = new Map(); // id -> tile

  const tileOf = (photo) => {
    if (!tiles.has(photo.id)) {
      const made = tile(photo, hrefOf(photo.id), true);
      added(made);
      tiles.set(photo.id, made);
    }
    return tiles.get(photo.id);
  };

  function addBlock(block) {
    const list = make("ul", { role: "list" });
    const part = { element: make("section", { class: "pg-block" }, list), list, first: 0, last: 0, isPlaced: false };
    const after = [...shown.keys()].filter((other) => other.start > block.start).sort((one, other) => one.start - other.start)[0];
    element.insertBefore(part.element, after ? shown.get(after).element : null);
    shown.set(block, part);
    return part;
  }

  function removeBlock(block) {
    drop(block, shown.get(block), 0, 0);
    shown.get(block).element.remove();
    shown.delete(block);
  }

  /** Keep only the tiles from `first` to before `last`. */
  function drop(block, part, first, last) {
    for (let at = part.first; at < part.last; at += 1) {
      if (at >= first && at < last) continue;
      const { id } = block.photos[at];
      if (tiles.get(id)?.parentElement !== part.list) continue; // it has moved to a newer block
      tiles.get(id).remove();
      tiles.delete(id);
    }
    [part.first, part.last] = [first, last];
  }

  function addHeadings(block, part) {
    const headings = block.parts.filter((each) => !each.offset);
    part.element.prepend(...headings.map((each, at) => {
      const heading = monthHeading(each.month);
      place(heading, block.placed.headings[at]);
      added(heading);
      return heading;
    }));
    if (headings.length) part.element.setAttribute("aria-label", part.element.querySelector("h2").textContent);
    part.element.classList.remove("pg-waiting");
    part.isPlaced = true;
  }

  function showTiles(block, part, top, bottom) {
    const { tiles: places } = block.placed;
    let first = indexAt(places, "top", top - block.top);
    while (first > 0 && places[first - 1].top === places[first].top) first -= 1;
    let last = first;
    while (last < places.length && places[last].top < bottom - block.top) last += 1;
    if (first === part.first && last === part.last) return;
    drop(block, part, Math.min(first, last), last);
    let before = null;
    for (let at = last - 1; at >= first; at -= 1) {
      const photo = block.photos[at];
      const made = tileOf(photo);
      if (made.parentElement !== part.list || made.nextSibling !== before) part.list.insertBefore(made, before);
      place(made, places[at]);
      made.setAttribute("aria-posinset", String(block.start + at + 1));
      before = made;
    }
  }

  return {
    tiles,
    /** Show what lies between `top` and `bottom`, which are measured from the element's top. Returns the blocks in sight. */
    show(blocks, top, bottom) {
      const first = indexAt(blocks, "top", top - NEAR);
      const near = [];
      for (let at = first; at < blocks.length && blocks[at].top < bottom + NEAR; at += 1) near.push(blocks[at]);
      for (const block of [...shown.keys()]) if (!near.includes(block)) removeBlock(block);
      for (const block of near) {
        const part = shown.get(block) ?? addBlock(block);
        part.element.style.top = `${block.top}px`;
        part.element.style.height = `${block.height}px`;
        if (!block.placed) part.element.classList.add("pg-waiting");
        else {
          if (!part.isPlaced) addHeadings(block, part);
          showTiles(block, part, top - NEAR, bottom + NEAR);
        }
      }
      return near;
    },
    /** Show everything again, at other places; tiles of photos that stay in sight stay what they are. */
    replace(blocks, top, bottom) {
      const focused = document.activeElement?.dataset.id; // moving an element takes the focus from it
      const before = shown;
      shown = new Map();
      const near = this.show(blocks, top, bottom);
      for (const [block, part] of before) {
        drop(block, part, 0, 0);
        part.element.remove();
      }
      if (focused) tiles.get(Number(focused))?.querySelector("a").focus({ preventScroll: true });
      return near;
    },
    clear() {
      for (const block of [...shown.keys()]) removeBlock(block);
    },
  };
}
