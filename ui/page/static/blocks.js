// The timeline as blocks: parts of long months, and short months together. Pure. A block is loaded and placed as a whole;
// until it is loaded its height is estimated.

export const LARGEST = 160; // photos in a block
const SHORT = 12; // months with fewer photos share a block

/** @typedef {{month: string | null, offset: number, count: number, continues: boolean}} Part some photos of a month, `offset` from
 *    its newest; with `continues`, more follow in the next block
 *  @typedef {{parts: Part[], start: number, count: number, top: number, height: number}} Block `start` is the number of
 *    photos before it, `top` and `height` are CSS pixels */

/** The blocks of the months, which are in order. @param {{month: string | null, photos: number}[]} months @returns {Block[]} */
export function blocksOf(months) {
  const blocks = [];
  let start = 0;
  const add = (parts, count) => {
    blocks.push({ parts, start, count, top: 0, height: 0 });
    start += count;
  };
  for (const { month, photos } of months) {
    const last = blocks.at(-1);
    if (photos < SHORT && last?.parts.every((part) => !part.offset) && last.parts.at(-1).count < SHORT && last.count + photos <= 2 * SHORT) {
      last.parts.push({ month, offset: 0, count: photos, continues: false });
      last.count += photos;
      start += photos;
      continue;
    }
    for (let offset = 0; offset < photos; offset += LARGEST) {
      const count = Math.min(LARGEST, photos - offset);
      add([{ month, offset, count, continues: offset + count < photos }], count);
    }
  }
  return blocks;
}

/** About how high a block will be. `grid` is that of layout.placeGroups. */
export function estimate(block, { width, ideal, gap, heading }, aspect = 1.4) {
  const inRow = Math.max(1, width / (aspect * ideal + gap));
  const rows = Math.max(1, Math.round(block.count / inRow));
  const headings = block.parts.filter((part) => !part.offset).length;
  const lines = Math.min(headings, Math.max(1, Math.ceil(block.count / inRow)));
  return Math.max(rows, lines) * (ideal + gap) + lines * heading;
}

/** Set each block's `top`. Returns the height of all. */
export function stack(blocks) {
  let top = 0;
  for (const block of blocks) {
    block.top = top;
    top += block.height;
  }
  return top;
}

/** The number of the last item whose `key` is at or before a value; items are in order. 0 if there is none. */
export function indexAt(items, key, value) {
  let [low, high] = [0, items.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (items[middle][key] <= value) low = middle;
    else high = middle - 1;
  }
  return Math.max(0, low);
}

/** The groups of a loaded block for layout.placeGroups. `photos` are those of each part, `aspectOf(photo)` their proportions. */
export const groupsOf = (block, photos, aspectOf) =>
  block.parts.flatMap((part, at) => (photos[at].length ? [{ aspects: photos[at].map(aspectOf), hasHeading: !part.offset, continues: part.continues }] : []));
