// The two lists of photos: the timeline (the start, and what passes filters alone) and results. One of them is shown; photos are
// selected in it.
import { searchParameters } from "./address.js";
import { t } from "./i18n.js";
import { moveAmong } from "./moving.js";
import { resultList } from "./results.js";
import { scrubber } from "./scrubber.js";
import { markSelected, selectIn } from "./selecting.js";
import { selectionBar } from "./selectbar.js";
import { selection } from "./selection.js";
import { markTile, opensTiles } from "./tile.js";
import { timelineView } from "./timeline.js";

/** Wire both. `find(name)` gives a part of the page; `hooks` are those of results.resultList with `open(id)`, and those of
 *  selectionBar. */
export function photoLists(find, shell, hooks) {
  const selected = selection(() => {
    for (const each of shell.querySelectorAll(".pg-tile, .pg-month")) markSelected(each, selected, current);
    shell.classList.toggle("pg-selecting", selected.size > 0);
    bar.update();
  });
  const added = (element) => (selected.size ? markSelected(element, selected, current) : undefined);
  const timeline = timelineView(find("timeline"), find("top"), { hrefOf: hooks.hrefOf, added, moved: () => years.update(), failed: hooks.failed });
  const results = resultList({ element: find("results"), summary: find("summary"), more: find("more"), shell }, { ...hooks, added });
  const years = scrubber(find("scrubber"), timeline);
  const bar = selectionBar(find("select"), selected, {
    all: async () => selected.set(await current.all(), true),
    weigh: hooks.weigh,
    isRanked: hooks.isRanked,
    marked: mark,
    failed: hooks.failed,
  });
  let current = results;
  let shownKey = null;
  let generation = null;

  opensTiles(find("timeline"), hooks.open);
  moveAmong(find("timeline"), ".pg-tile a");
  for (const name of ["timeline", "results"]) {
    const choices = {
      photoOf: (id) => current.photoOf(id),
      between: (first, last) => current.between(first, last),
      ofMonth: (month) => current.ofMonth(month),
    };
    selectIn(find(name), selected, choices, hooks.failed);
  }

  /** Show whether a photo is a favourite. */
  function mark(id, favourite) {
    results.mark(id, favourite);
    timeline.mark(id, favourite, markTile);
  }

  async function showTimeline(view, isBack) {
    results.clear();
    const filters = searchParameters({ ...view, sort: "relevance", relevant: false, every: false });
    shell.classList.toggle("pg-busy", timeline.key !== filters.toString());
    try {
      await timeline.show(filters, isBack);
    } finally {
      shell.classList.remove("pg-busy");
    }
    if (current !== timeline) return;
    find("summary").textContent = t("count.photos", { count: timeline.total });
    find("summary").title = "";
    if (!timeline.total && filters.size) results.none();
  }

  function hide() {
    timeline.hide();
    years.update();
    results.clear();
    selected.clear();
    shownKey = null;
  }

  return {
    hide,
    mark,
    get current() { return current; },
    keep() { current.keep(); },
    /** Show what a view asks for; what is shown already stays when history leads back to it. */
    async show(view, picture, key, isBack) {
      const isTimeline = !view.q && !picture;
      const isSame = shownKey === key && isBack;
      if (shownKey !== key) selected.clear();
      current = isTimeline ? timeline : results;
      shownKey = key;
      if (isSame) return;
      if (isTimeline) await showTimeline(view, isBack);
      else {
        timeline.hide();
        years.update();
        await results.show({ view, picture, key }, isBack);
      }
    },
    /** Load what is around a photo, before the details reach it. */
    approach(id) { if (current === timeline && timeline.indexOf(id) >= 0) timeline.near(timeline.indexOf(id)); },
    /** The library was asked how it is: show what has come or gone since. */
    moved(status) {
      const hasMoved = generation !== null && generation !== status.generation;
      generation = status.generation;
      if (hasMoved && current === timeline) timeline.refresh();
    },
  };
}
