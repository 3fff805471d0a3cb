// The filters: a panel of fields, opened by one button, that says what the view's filters are and changes them. The numbers
// beside them are of the photos that the search would give.
import * as api from "./api.js";
import { countFilters, searchParameters, withFilter } from "./address.js";
import { problemNote } from "./errors.js";
import { folderPart, listParts, orientationPart, showPart } from "./filterparts.js";
import { formatNumber, t } from "./i18n.js";
import { allNames } from "./named.js";
import { whenFields } from "./when.js";

/** What the numbers depend on. An image that is searched by cannot be sent: the numbers are then of all photos. */
const facetParameters = (view, byPicture) => searchParameters({ ...view, q: byPicture ? "" : view.q, sort: "relevance", relevant: false, every: false });

/** The numbers of a view; of all photos that pass its filters if nothing is relevant to its text, because the nearest are shown then. */
async function facetsOf(view, byPicture, signal) {
  const facets = await api.facets(facetParameters(view, byPicture), signal);
  const isNothingRelevant = view.q && !facets.photos && !countFilters(view);
  return isNothingRelevant ? api.facets(facetParameters({ ...view, q: "" }), signal) : facets;
}

/** Wire the panel to its button. `current()` gives the view, `byPicture()` says whether an image is searched by, `change(view)` asks
 *  for another view. Returns `show(view)`. */
export function filterPanel(panel, button, current, byPicture, change) {
  let fields = [];
  let counted = null; // the search that the numbers are of
  let facets = null;
  let named = {}; // things and places
  let asked = new AbortController();

  const set = (name, values) => change(withFilter(current(), name, values));

  function build() {
    const orientation = orientationPart(set);
    const shown = [
      whenFields(current, change, orientation.element), showPart(set, (others) => change({ ...current(), ...others, photo: null })), folderPart(set), ...listParts(set),
    ];
    panel.replaceChildren(...shown.map(({ element }) => element));
    fields = [orientation, ...shown];
  }

  const update = (view) => fields.forEach((each) => each.update(view, facets, named));

  /** Get the numbers of a view, unless they are shown already. */
  async function count(view) {
    const wanted = facetParameters(view, byPicture()).toString();
    asked.abort();
    asked = new AbortController();
    panel.removeAttribute("aria-busy");
    if (wanted === counted) return;
    const { signal } = asked;
    panel.setAttribute("aria-busy", "true");
    try {
      facets = await facetsOf(view, byPicture(), signal);
      counted = wanted;
      if (!fields.length) build();
      update(current());
    } catch (problem) {
      if (signal.aborted) return;
      if (!fields.length) panel.replaceChildren(problemNote(problem));
    }
    panel.removeAttribute("aria-busy");
  }

  function open() {
    panel.hidden = false;
    button.setAttribute("aria-expanded", "true");
    [fields, counted] = [[], null]; // the library may have other folders and cameras by now
    count(current());
    allNames(true).then((all) => {
      named = all;
      if (fields.length) update(current());
    });
  }

  function close() {
    panel.hidden = true;
    button.setAttribute("aria-expanded", "false");
  }

  button.addEventListener("click", () => (panel.hidden ? open() : close()));
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    close();
    button.focus();
  });

  /** Say what the view's filters are. */
  return function show(view) {
    const total = countFilters(view);
    button.querySelector(".pg-tally").textContent = total ? formatNumber(total) : "";
    button.setAttribute("aria-label", total ? t("filter.active", { count: total }) : t("filter.button"));
    if (panel.hidden) return;
    if (fields.length) update(view);
    count(view);
  };
}
