// Where a zoomed picture lies in its frame. Pure.

/** @typedef {{scale: number, x: number, y: number}} Zoom how many times larger than the whole picture fits, and how far its
 *  middle is from that of the frame, in CSS pixels */
/** @typedef {{width: number, height: number}} Size */

/** The whole picture. @type {Zoom} */
export const WHOLE = Object.freeze({ scale: 1, x: 0, y: 0 });

const within = (value, least, most) => Math.min(most, Math.max(least, value));

/** The nearest zoom that leaves no gap between the picture and the frame's edge.
 *  @param {Zoom} zoom @param {{frame: Size, picture: Size, most: number}} sizes @returns {Zoom} */
export function bounded({ scale, x, y }, { frame, picture, most }) {
  const size = within(scale, 1, most);
  const [beside, above] = ["width", "height"].map((side) => Math.max(0, (picture[side] * size - frame[side]) / 2));
  return { scale: size, x: within(x, -beside, beside), y: within(y, -above, above) };
}

/** Enlarge by a factor; what lies at `point`, measured from the frame's middle, stays there.
 *  @param {Zoom} zoom @param {number} factor @param {{x: number, y: number}} point @param {number} most @returns {Zoom} */
export function enlarged({ scale, x, y }, factor, point, most) {
  const larger = within(scale * factor, 1, most);
  const ratio = larger / scale;
  return { scale: larger, x: point.x - (point.x - x) * ratio, y: point.y - (point.y - y) * ratio };
}
