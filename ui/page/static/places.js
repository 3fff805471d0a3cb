// Where things are in the timeline, of blocks that are placed or estimated (blocks.js). Pure: heights are CSS pixels from its top.
import { indexAt } from "./blocks.js";

/** @typedef {{block: Object, id?: number, below?: number, share?: number}} Anchor what is at a height: a photo and how far below its
 *    top, or, in a block that is not loaded, how far below the heading or which share of the block */

/** What is at the height `y`. @returns {Anchor} */
export function anchorAt(blocks, y, heading) {
  const block = blocks[indexAt(blocks, "top", y)];
  const below = y - block.top;
  if (!block.placed) return below < heading ? { block, below } : { block, share: below / block.height };
  const at = indexAt(block.placed.tiles, "top", below);
  return { block, id: block.photos[at].id, below: below - block.placed.tiles[at].top };
}

/** The height at which an anchor is by now. `known` is the place `{block, at}` of its photo, if that is loaded. */
export function topOfAnchor(blocks, anchor, known) {
  const block = known?.block ?? blockOf(blocks, anchor.block.parts[0].month);
  if (!block) return 0;
  if (known) return block.top + block.placed.tiles[known.at].top + anchor.below;
  return block.top + (anchor.share ?? 0) * block.height + (anchor.below ?? 0);
}

/** The height at which a month begins; 0 if there is none. */
export function topOfMonth(blocks, month) {
  const block = blockOf(blocks, month);
  if (!block) return 0;
  const at = block.parts.findIndex((part) => part.month === month);
  if (block.placed) return block.top + (block.placed.headings[at]?.top ?? 0);
  return block.top + (at / block.parts.length) * block.height;
}

/** The month at the height `y`. */
export function monthAt(blocks, y) {
  const block = blocks[indexAt(blocks, "top", y)];
  const below = y - block.top;
  const last = block.parts.length - 1;
  if (!block.placed) return block.parts[Math.min(last, Math.floor((below / block.height) * block.parts.length))].month;
  const { headings } = block.placed;
  if (!headings.length) return block.parts[0].month;
  let at = Math.min(last, indexAt(headings, "top", below));
  while (at > 0 && headings[at - 1].top === headings[at].top) at -= 1; // the first of its line
  return block.parts[at].month;
}

const blockOf = (blocks, month) => blocks.find((block) => block.parts.some((part) => part.month === month));
