// The page: what is shown is a view (address.js), kept in the address; everything that happens asks for another view.
import * as api from "./api.js";
import { HOME, formatAddress, parseAddress, searchParameters } from "./address.js";
import { showChips } from "./chips.js";
import { detailsDialog } from "./details.js";
import { problemText } from "./errors.js";
import { filterPanel } from "./filters.js";
import { languageName, t, translate } from "./i18n.js";
import { languageSwitch } from "./languages.js";
import { takeKeys } from "./keys.js";
import { startLibrary } from "./library.js";
import { showLiked } from "./liked.js";
import { takePictures } from "./picture.js";
import { joinQuery, splitQuery, withPhoto, withoutPhoto } from "./query.js";
import { isSearch, resultList } from "./results.js";
import { suggestions } from "./suggest.js";
import { make } from "./text.js";
import { splitFilters, withTyped } from "./typed.js";

/** Start the page inside `element`. */
export function start(element) {
  const find = (name) => element.querySelector(`.pg-${name}`);
  const [query, error, sort] = ["query", "error", "sort"].map(find);
  const shell = element.querySelector(".pg");
  translate(shell);
  languageSwitch(element.querySelector(".pg-language select"));
  for (const example of find("examples").children) example.title = languageName(example.lang);
  const pictures = []; // searched by in this window; an address cannot hold one, so history holds its number
  const early = query.value; // typed before this script ran
  let view = HOME;
  let picture = null;

  const address = (wanted) => `${location.pathname}${formatAddress(wanted)}`;
  const keyOf = (wanted, file) => `${pictures.indexOf(file)}?${searchParameters(wanted)}`;

  const list = resultList(
    { element: find("results"), summary: find("summary"), more: find("more"), shell },
    {
      open,
      hrefOf: (id) => address({ ...view, photo: id }),
      hideLess: () => go({ ...view, relevant: true }),
      instead,
      failed: showProblem,
    },
  );

  const details = detailsDialog(find("details"), {
    shown(id) {
      if (view.photo === id) return;
      view = { ...view, photo: id };
      history.replaceState(history.state, "", address(view));
    },
    closed(id) {
      list.focus(id);
      if (view.photo === null) return;
      view = { ...view, photo: null };
      if (history.state?.isOpened) history.back();
      else history.replaceState(history.state, "", address(view));
    },
    marked: list.mark,
    go: (wanted) => go(wanted, null),
    weigh: (id, weight) => go({ ...view, q: withPhoto(view.q, id, weight), photo: null }),
    isRanked: () => Boolean(view.q || picture),
  });

  const showFilters = filterPanel(find("filters"), find("filter-button"), () => view, (wanted) => go(wanted));

  /** Open a photo that is in the grid. */
  function open(index) {
    view = { ...view, photo: list.results[index].id };
    history.pushState({ ...history.state, isOpened: true }, "", address(view));
    details.open(list.results, index);
  }

  /** Open the photo of an address, which may be beyond the results that are shown. */
  async function openPhoto(id) {
    if (details.shown === id) return;
    const index = list.results.findIndex((result) => result.id === id);
    if (index >= 0) details.open(list.results, index);
    else {
      const known = await api.photo(id);
      if (view.photo === id) details.open([known], 0);
    }
  }

  /** Show `view` and `picture`: search, unless that search is shown already, and open or close the photo. */
  async function render(isBack) {
    const isHome = !isSearch(view, picture);
    const { words, photos } = splitQuery(view.q);
    shell.dataset.view = isHome ? "home" : "found";
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
      if (isHome) list.clear();
      else if (list.key !== keyOf(view, picture) || !isBack) {
        await list.show({ view, picture, key: keyOf(view, picture) }, isBack);
        library.shown();
      }
      if (view.photo !== null) await openPhoto(view.photo);
    } catch (problem) {
      showProblem(problem);
    }
  }

  /** Go to another view, by default with the picture that is searched by now. */
  function go(wanted, file = picture) {
    list.keep();
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
    const wanted = { ...view, q, filters: withTyped(view.filters, typed.filters), photo: null };
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
      const result = list.results.find((one) => one.id === id);
      const answer = await api.favourite(id, !result.favourite);
      for (const each of answer.ids) list.mark(each, answer.favourite); // photos with the same bytes share it
    } catch (problem) {
      showProblem(problem);
    }
  }

  /** Show what the address says, at the start and when history goes back or forth. */
  async function restore(isBack) {
    list.keep();
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
  find("examples").addEventListener("click", (event) => {
    if (event.target.matches("button")) go({ ...HOME, q: event.target.textContent }, null);
  });
  find("brand").addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    goHome();
  });
  sort.addEventListener("change", () => go({ ...view, sort: sort.value, photo: null }));
  takePictures({ veil: find("drop"), pick: find("pick"), input: find("file") }, (file) => go({ ...view, q: splitQuery(view.q).words, photo: null }, file));
  takeKeys(query, find("help"), mark);
  suggestions(query, (words, name, value) => go({ ...view, q: joinQuery(words, splitQuery(view.q).photos), filters: withTyped(view.filters, { [name]: [value] }), photo: null }));
  history.scrollRestoration = "manual";
  addEventListener("popstate", () => restore(true));

  const library = startLibrary(shell, () => render(false));
  library.ready.catch(showProblem);
  if (!matchMedia("(hover: none)").matches || !location.search) query.focus({ preventScroll: true });
  const restored = restore(false);
  if (early) query.value = early;
  return restored;
}
