// Justified rows: photos keep their proportions, rows fill the width, the last one stays at its natural height.

/** Rows for photos of `aspects` (width / height), in reading order; `height` is the ideal row height. CSS pixels.
 *  Rows that are full do not change when photos are added: `full` is the number of photos in them.
 *  @param {number[]} aspects @param {number} width @param {number} height @param {number} gap
 *  @returns {{places: {width: number, height: number}[], full: number}} */
export function justify(aspects, width, height, gap) {
  const places = [];
  let row = [];
  let sum = 0;
  const fitted = (total, count) => (width - gap * (count - 1)) / total;
  const close = (rowHeight) => {
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
  if (row.length) close(Math.min(height, fitted(sum, row.length)));
  return { places, full };
}

/** Proportions a tile may have: a panorama or a tall strip is cropped to them in the grid (never in the details). */
export const clampAspect = (photo) =>
  Math.min(3.2, Math.max(0.45, photo.width && photo.height ? photo.width / photo.height : 1));
