// Which photos are selected: by id, so that it does not matter what of them is in the document.

/** @typedef {{id: number, taken_at: string | null, favourite: boolean, path: string}} Chosen a photo, as results have it */

/** A selection; `changed()` is called after each change. */
export function selection(changed) {
  const chosen = new Map(); // id -> photo
  let last = null; // what was chosen last: a range begins there

  /** Select photos, or do not any more. @param {Chosen[]} photos */
  function set(photos, isOn) {
    for (const photo of photos) {
      if (isOn) chosen.set(photo.id, photo);
      else chosen.delete(photo.id);
    }
    last = photos.length === 1 ? photos[0].id : last;
    if (!chosen.size) last = null;
    changed();
  }

  return {
    set,
    toggle: (photo) => set([photo], !chosen.has(photo.id)),
    has: (id) => chosen.has(id),
    clear() {
      if (!chosen.size) return;
      chosen.clear();
      last = null;
      changed();
    },
    get size() { return chosen.size; },
    get last() { return last; },
    get ids() { return [...chosen.keys()]; },
    get photos() { return [...chosen.values()]; },
    /** How many of the selected photos are of a month. */
    ofMonth: (month) => [...chosen.values()].filter((photo) => (photo.taken_at?.slice(0, 7) ?? null) === month).length,
  };
}
