// One photo, large, with its facts, what can be done with it, and photos like it and near it; arrows lead to its neighbours.
import { photoActions } from "./actions.js";
import { HOME } from "./address.js";
import * as api from "./api.js";
import { difference } from "./differences.js";
import { problemNote } from "./errors.js";
import { facts, title } from "./facts.js";
import { isRightToLeft, t } from "./i18n.js";
import { isLetter } from "./keys.js";
import { likePhoto } from "./query.js";
import { picture } from "./stage.js";
import { strip } from "./strip.js";
import { swipes } from "./swipes.js";
import { make } from "./text.js";
import { zoomable } from "./zoom.js";

const SIMILAR = 12;
const AROUND = 8; // photos before it, and after it

const button = (name, key, text, act) => make("button", { type: "button", class: `pg-${name}`, "aria-label": t(key), title: t(key), onclick: act }, text);

/** Wire the dialog. `hooks`: `shown(id)` and `closed(id)` say what is seen, `marked(id, favourite)` what was marked,
 *  `weigh(id, weight)` and `go(view)` ask for other searches. Returns what the page needs of it. */
export function detailsDialog(dialog, hooks) {
  let list = [];
  let at = 0;
  let actions = null;

  const stage = make("div", { class: "pg-stage" });
  const side = make("div", { class: "pg-side" });
  const zoom = zoomable(stage);
  const [previous, next, shut] = [
    button("previous", "photo.previous", "‹", () => step(-1)), button("next", "photo.next", "›", () => step(1)), button("close", "close", "×", () => dialog.close()),
  ];
  for (const arrow of [previous, next]) arrow.classList.add("pg-arrow");
  dialog.tabIndex = -1;
  dialog.append(make("div", { class: "pg-view" }, stage, previous, next, zoom.controls), side, shut);

  const isStill = (photo) => dialog.open && list[at] === photo;

  async function show() {
    const photo = list[at];
    const { name } = title(photo);
    [previous.hidden, next.hidden] = [at === 0, at === list.length - 1];
    dialog.setAttribute("aria-label", name);
    stage.replaceChildren(...picture(photo, name));
    zoom.begin(stage.firstChild, photo);
    actions = null;
    side.replaceChildren(make("h2", { class: "pg-title", "aria-live": "polite" }, make("bdi", {}, name)));
    hooks.shown(photo.id);
    try {
      const known = await api.photo(photo.id);
      if (isStill(photo)) fill(photo, known);
    } catch (problem) {
      if (isStill(photo)) say(problem);
    }
  }

  function fill(photo, known) {
    actions = photoActions(known, { marked: hooks.marked, weigh: hooks.weigh, isRanked: hooks.isRanked, failed: (problem) => isStill(photo) && say(problem) });
    const all = button("all-similar", "photo.allSimilar", t("photo.allSimilar"), () => hooks.go({ ...HOME, q: likePhoto(photo.id) }));
    side.append(actions.element, facts(known, photo, hooks.go),
      strip(t("photo.similarOnes"), api.similar(photo.id, SIMILAR), photo, openAmong, { more: all }),
      strip(t("photo.around"), around(photo), photo, openAmong));
    if (photo.count > 1) side.querySelector("dl").before(strip(t("tile.alike", { count: photo.count }), alike(photo), photo, openAmong, { caption: difference }));
    if (list[at + 1]) new Image().src = api.original(list[at + 1].id); // loads the next photo in advance
  }

  /** The near-duplicates of a photo; each of them, too, says how many there are. */
  const alike = (photo) => api.duplicates(photo.id).then(({ photos }) => ({ photos: photos.map((one) => ({ ...one, count: photos.length })) }));

  /** The photo among those taken before and after it, in order of time. */
  const around = (photo) => api.neighbours(photo.id, AROUND).then(({ before, after }) => ({ photos: [...before.reverse(), photo, ...after] }));

  function say(problem) {
    side.querySelector(".pg-missing")?.remove();
    side.firstElementChild.after(problemNote(problem));
  }

  function step(by) {
    if (!list[at + by]) return;
    at += by;
    show();
    if (document.activeElement?.hidden || !dialog.contains(document.activeElement)) dialog.focus();
  }

  /** Go on with another list, from inside: closing still returns to where the first one was opened. */
  function openAmong(photos, index) {
    [list, at] = [photos, index];
    show();
    side.scrollTop = 0;
    dialog.scrollTop = 0;
    dialog.focus();
  }

  dialog.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const onward = isRightToLeft() ? "ArrowLeft" : "ArrowRight";
    const isForZoom = zoom.press(event);
    if (isForZoom) event.stopPropagation();
    else if (event.key === "ArrowLeft" || event.key === "ArrowRight") step(event.key === onward ? 1 : -1);
    else if (isLetter(event, "f")) actions?.mark();
    else return;
    event.preventDefault();
  });
  swipes(dialog, (isLeft) => step(isLeft === isRightToLeft() ? -1 : 1));
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => {
    for (const part of [stage, side]) part.replaceChildren();
    hooks.closed(list[at].id);
  });

  return {
    /** Show a photo of a list, as results have them. */
    open(photos, index) {
      [list, at] = [photos, index];
      if (!dialog.open) dialog.showModal();
      dialog.focus();
      show();
    },
    close() { if (dialog.open) dialog.close(); },
    /** The id of the photo that is open, or null. */
    get shown() { return dialog.open ? list[at].id : null; },
  };
}
