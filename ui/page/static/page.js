// The page: what is shown is a view (address.js), kept in the address; everything that happens asks for another view.
import * as api from "./api.js";
import { HOME, formatAddress, parseAddress, searchParameters } from "./address.js";
import { showChips } from "./chips.js";
import { detailsDialog } from "./details.js";
import { problemText } from "./errors.js";
import { showExamples } from "./examples.js";
import { filterPanel } from "./filters.js";
import { t, translate } from "./i18n.js";
import { languageSwitch } from "./languages.js";
import { takeKeys } from "./keys.js";
import { startLibrary } from "./library.js";
import { showLiked } from "./liked.js";
import { photoLists } from "./lists.js";
import { showOnThisDay } from "./onthisday.js";
import { takePictures } from "./picture.js";
import { joinQuery, splitQuery, withPhoto, withoutPhoto } from "./query.js";
import { isSearch } from "./results.js";
import { suggestions } from "./suggest.js";
import { make } from "./text.js";
import { splitFilters, withTyped } from "./typed.js";
import { isOther, otherViews } from "./views.js";

/** Start the page inside `element`. */
export function start(element) {
  const find = (name) => element.querySelector(`.pg-${name}`);
  const [query, error, sort] = ["query", "error", "sort"].map(find);
  const shell = element.querySelector(".pg");
  translate(shell);
  languageSwitch(element.querySelector(".pg-language select"));
  const pictures = []; // searched by in this window; an address cannot hold one, so history holds its number
  const early = query.value; // typed before this script ran
  let view = HOME;
  let picture = null;

  const address = (wanted) => `${location.pathname}${formatAddress(wanted)}`;
  const keyOf = (wanted, file) => `${pictures.indexOf(file)}?${searchParameters(wanted)}`;

  const lists = photoLists(find, shell, {
    open,
    hrefOf: (id) => address({ ...view, photo: id }),
    hideLess: () => go({ ...view, relevant: true }),
    weigh: (ids, weight) => go({ ...view, view: "photos", q: ids.reduce((q, id) => withPhoto(q, id, weight), view.q), photo: null }),
    isRanked: () => Boolean(view.q || picture),
    instead,
    failed: showProblem,
  });
  const others = otherViews(find("other"), find("nav"), {
    go: (wanted) => go(wanted, null),
    current: () => view,
    keep(wanted) {
      view = wanted;
      history.replaceState(history.state, "", address(view));
    },
    openLibrary: (part) => library.open(part),
    failed: showProblem,
  });

  const details = detailsDialog(find("details"), {
    shown(id) {
      lists.approach(id);
      if (view.photo === id) return;
      view = { ...view, photo: id };
      history.replaceState(history.state, "", address(view));
    },
    closed(id) {
      lists.current.focus(id);
      if (view.photo === null) return;
      view = { ...view, photo: null };
      if (history.state?.isOpened) history.back();
      else history.replaceState(history.state, "", address(view));
    },
    marked: lists.mark,
    go: (wanted) => go(wanted, null),
    weigh: (id, weight) => go({ ...view, view: "photos", q: withPhoto(view.q, id, weight), photo: null }),
    isRanked: () => Boolean(view.q || picture),
  });

  const showFilters = filterPanel(find("filters"), find("filter-button"), () => view, () => Boolean(picture), (wanted) => go(wanted));

  /** Open a photo of the list that is shown. */
  function open(id) {
    view = { ...view, photo: id };
    history.pushState({ ...history.state, isOpened: true }, "", address(view));
    details.open(lists.current.results, lists.current.indexOf(id));
  }

  /** Open the photo of an address, which may be beyond the results that are shown. */
  async function openPhoto(id) {
    if (details.shown === id) return;
    const index = lists.current.indexOf(id);
    if (index >= 0) details.open(lists.current.results, index);
    else {
      const known = await api.photo(id);
      if (view.photo === id) details.open([known], 0);
    }
  }

  /** Show `view` and `picture`: search, unless that search is shown already, and open or close the photo. */
  async function render(isBack) {
    const other = isOther(view.view) ? view.view : null;
    const isHome = !other && !isSearch(view, picture);
    const { words, photos } = splitQuery(view.q);
    shell.dataset.view = other ?? (isHome ? "home" : "found");
    others.mark(other ?? "photos", view);
    query.value = words;
    query.placeholder = t(photos.length || picture ? "search.addWords" : "search.placeholder");
    sort.disabled = !view.q && !picture; // a search by filters alone is listed by date
    sort.value = sort.disabled ? "date" : view.sort;
    document.title = words ? `${words} – polyglance` : "polyglance";
    error.hidden = true;
    showLiked(find("like"), photos, picture, {
      removePhoto: (id) => go({ ...view, q: withoutPhoto(view.q, id), photo: null }),
      removeFile: () => go({ ...view, photo: null }, null),
    });
    showChips(find("chips"), view, (wanted) => go(wanted));
    showFilters(view);
    if (view.photo === null) details.close();
    try {
      if (other) {
        lists.hide();
        await others.show(view, isBack);
      } else {
        others.hide();
        if (isHome) showStart();
        await lists.show(view, picture, keyOf(view, picture), isBack);
        library.shown();
      }
      if (view.photo !== null) await openPhoto(view.photo);
    } catch (problem) {
      if (problem.name !== "AbortError") showProblem(problem);
    }
  }

  /** What the start has beside the newest photos; the page does without where the server has none of it. */
  function showStart() {
    showOnThisDay(find("day"), (date) => go({ ...HOME, filters: { date: [date] } }, null)).catch(() => undefined);
    showExamples(find("examples"), (q) => go({ ...HOME, q }, null)).catch(() => undefined);
  }

  /** Remember what is shown, for "back". */
  function keep() {
    lists.keep();
    others.keep();
  }

  /** Go to another view, by default with the picture that is searched by now. */
  function go(wanted, file = picture) {
    keep();
    [view, picture] = [wanted, file];
    if (picture && !pictures.includes(picture)) pictures.push(picture);
    const isSame = address(view) === location.pathname + location.search && history.state?.picture === pictures.indexOf(picture);
    history[isSame ? "replaceState" : "pushState"]({ picture: pictures.indexOf(picture) }, "", address(view));
    scrollTo({ top: 0, behavior: "instant" });
    return render(false);
  }

  function goHome() {
    go(HOME, null);
    query.focus();
  }

  /** Search for the words that were typed; typed filters become those of the view. */
  function submit() {
    const typed = splitFilters(query.value);
    const q = joinQuery(typed.words, splitQuery(view.q).photos);
    const wanted = { ...view, view: "photos", q, filters: withTyped(view.filters, typed.filters), photo: null };
    if (isSearch(wanted, picture)) go(wanted);
    else if (isSearch(view, picture)) goHome();
  }

  /** Suggest other searches when nothing is found. */
  function instead() {
    const offer = (name, wanted) => make("button", { type: "button", class: "pg-pill", onclick: () => go(wanted) }, t(name));
    return [
      view.q && view.sort === "date" ? offer("sort.relevance", { ...view, sort: "relevance" }) : null,
      view.relevant ? offer("results.showLess", { ...view, relevant: false }) : null,
      Object.keys(view.filters).length && (view.q || picture) ? offer("chip.clear", { ...view, filters: {} }) : null,
    ].filter(Boolean);
  }

  function showProblem(problem) {
    const { general, detail } = problemText(problem);
    say(general, detail);
  }

  function say(general, detail) {
    error.replaceChildren(make("strong", { dir: "auto" }, general), make("span", { dir: "auto" }, detail));
    error.hidden = false;
  }

  /** Turn a favourite on or off from the grid. */
  async function mark(id) {
    try {
      const answer = await api.favourite(id, !lists.current.photoOf(id).favourite);
      for (const each of answer.ids) lists.mark(each, answer.favourite); // photos with the same bytes share it
    } catch (problem) {
      showProblem(problem);
    }
  }

  /** Show what the address says, at the start and when history goes back or forth. */
  async function restore(isBack) {
    keep();
    const number = history.state?.picture ?? -1;
    [view, picture] = [parseAddress(location.search), pictures[number] ?? null];
    await render(isBack);
    if (number >= 0 && !picture) say(t("picture.lost"), t("picture.lostHint"));
  }

  find("search").addEventListener("submit", (event) => {
    event.preventDefault();
    if (matchMedia("(hover: none)").matches) query.blur(); // hides the keyboard on the screen
    submit();
  });
  find("brand").addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    goHome();
  });
  sort.addEventListener("change", () => go({ ...view, sort: sort.value, photo: null }));
  // A new picture replaces those that were searched by before; the words stay.
  takePictures({ veil: find("drop"), pick: find("pick"), input: find("file") }, (file) =>
    go({ ...view, view: "photos", q: splitQuery(view.q).words, photo: null }, file));
  takeKeys(query, find("help"), mark);
  suggestions(query, (words, name, value) => go({ ...view, view: "photos", q: joinQuery(words, splitQuery(view.q).photos), filters: withTyped(view.filters, { [name]: [value] }), photo: null }));
  history.scrollRestoration = "manual";
  addEventListener("popstate", () => restore(true));

  const library = startLibrary(shell, () => render(false), lists.moved);
  library.ready.catch(showProblem);
  if (!matchMedia("(hover: none)").matches) query.focus({ preventScroll: true });
  const restored = restore(false);
  if (early) query.value = early;
  return restored;
}
