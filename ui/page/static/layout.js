// Where photos lie: justified rows, and groups of photos (months) with a heading each. Pure; CSS pixels.
// Photos keep their proportions and rows fill the width; the last row stays near its natural height.

export const GAP = 6;
const STRETCH = 1.35; // how far beyond the ideal height a last row may grow to fill the width
const ALONE = 1.7; // the same for a row that is the only one: a single photo is shown larger

/** The ideal height of a row in a grid of this width. */
export const rowHeight = (width) => (width < 560 ? 130 : width < 1000 ? 190 : 230);

/** Rows for photos of `aspects` (width / height), in reading order; `height` is the ideal row height.
 *  Rows that are full do not change when photos are added: `full` is the number of photos in them.
 *  With `continues`, other photos follow elsewhere: then all rows are full.
 *  @param {number[]} aspects @param {number} width @param {number} height @param {number} gap @param {boolean} continues
 *  @returns {{places: {width: number, height: number}[], full: number}} */
export function justify(aspects, width, height, gap, continues = false) {
  const places = [];
  let begin = 0; // of the row before
  let row = [];
  let sum = 0;
  const fitted = (total, count) => (width - gap * (count - 1)) / total;
  const close = (rowHeight) => {
    begin = places.length;
    for (const aspect of row) places.push({ width: Math.min(width, aspect * rowHeight), height: rowHeight });
    row = [];
    sum = 0;
  };
  for (const aspect of aspects) {
    const before = row.length ? fitted(sum, row.length) : Infinity;
    const after = fitted(sum + aspect, row.length + 1);
    // Break before this photo where that row comes nearer to the ideal height than the row with it.
    if (after < height && before / height < height / after) close(before);
    row.push(aspect);
    sum += aspect;
    if (fitted(sum, row.length) <= height) close(fitted(sum, row.length));
  }
  const full = places.length;
  if (row.length && continues && full && fitted(sum, row.length) > height * STRETCH) {
    row = [...aspects.slice(begin, full), ...row];
    places.length = begin;
    close(fitted(row.reduce((one, other) => one + other, 0), row.length));
  }
  if (row.length) close(continues ? fitted(sum, row.length) : lastHeight(fitted(sum, row.length), height, !full));
  return { places, full };
}

function lastHeight(fitted, height, isOnly) {
  if (fitted <= height * STRETCH) return fitted;
  return isOnly ? Math.min(fitted, height * ALONE) : height;
}

/** Proportions a tile may have: a panorama or a tall strip is cropped to them in the grid (never in the details). */
export const clampAspect = (photo) =>
  Math.min(3.2, Math.max(0.45, photo.width && photo.height ? photo.width / photo.height : 1));

/** @typedef {{top: number, left: number, width: number, height: number}} Place
 *  @typedef {{aspects: number[], hasHeading: boolean, continues: boolean}} Group photos below a heading, or the rest of them;
 *    with `continues`, more of them follow elsewhere */

/** Place groups of photos one after the other: small groups lie side by side, each below its own heading.
 *  @param {Group[]} groups @param {{width: number, ideal: number, gap: number, heading: number, narrowest: number}} grid
 *    `ideal` is a row's height, `heading` the height of headings, and `narrowest` the least width of one
 *  @returns {{headings: Place[], tiles: Place[], height: number}} in the order of the groups and of their photos */
export function placeGroups(groups, { width, ideal, gap, heading, narrowest }) {
  const [headings, tiles] = [[], []];
  let top = 0;
  let line = []; // groups side by side
  const apart = 4 * gap;
  const total = (aspects) => aspects.reduce((sum, aspect) => sum + aspect, 0);
  const leastWidth = ({ aspects }) => Math.max(narrowest, total(aspects) * ideal + gap * (aspects.length - 1));

  function head(group, place) {
    if (group.hasHeading) headings.push({ ...place, top, height: heading });
  }

  function closeLine() {
    if (!line.length) return;
    const gaps = line.reduce((sum, { aspects }) => sum + gap * (aspects.length - 1), apart * (line.length - 1));
    const height = lastHeight((width - gaps) / line.reduce((sum, { aspects }) => sum + total(aspects), 0), ideal, false);
    const below = line.some((group) => group.hasHeading) ? heading : 0;
    let left = 0;
    for (const group of line) {
      const begin = left;
      for (const aspect of group.aspects) {
        tiles.push({ top: top + below, left, width: aspect * height, height });
        left += aspect * height + gap;
      }
      const extent = Math.max(left - gap - begin, narrowest);
      head(group, { left: begin, width: Math.min(extent, width - begin) });
      left = begin + extent + apart;
    }
    top += below + height + gap;
    line = [];
  }

  function placeRows(group) {
    head(group, { left: 0, width });
    if (group.hasHeading) top += heading;
    let left = 0;
    for (const place of justify(group.aspects, width, ideal, gap, group.continues).places) {
      if (left && left + place.width > width + 0.5) {
        top += tiles.at(-1).height + gap;
        left = 0;
      }
      tiles.push({ top, left, ...place });
      left += place.width + gap;
    }
    top += tiles.at(-1).height + gap;
  }

  for (const group of groups) {
    const least = leastWidth(group);
    const taken = line.reduce((sum, other) => sum + leastWidth(other) + apart, 0);
    if (taken + least > width) closeLine();
    if (least <= width && !group.continues) line.push(group);
    else placeRows(group);
  }
  closeLine();
  return { headings, tiles, height: top };
}
