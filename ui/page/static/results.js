// Searches: asks the API page by page, fills the grid, and says how it went. Searches left behind are kept for "back".
import * as api from "./api.js";
import { asks, searchParameters } from "./address.js";
import { isRelevant, resultGrid } from "./grid.js";
import { formatMilliseconds, languageName, t } from "./i18n.js";
import { monthOf } from "./months.js";
import { make } from "./text.js";

const PAGE = 60; // photos asked for at a time
const BY_ITSELF = 600; // photos up to which scrolling down brings more; from there on a button does
const AHEAD = "1200px"; // how far below the window the next page is asked for
const KEPT = 12; // searches remembered
const MOST = 2000; // results that can be selected at once

/** @typedef {{view: import("./address.js").View, picture: File | null, key: string}} Search */

/** Wire the parts of the page that show results. `hooks` are those of grid.resultGrid and `instead(search)`, which gives
 *  the buttons offered when nothing is found. */
export function resultList({ element, summary, more, shell }, hooks) {
  const grid = resultGrid(element, hooks);
  const kept = new Map();
  let search = null;
  let answer = null; // the first page's
  let next = null;
  let running = new AbortController();
  let isLoading = false;

  function ask(cursor) {
    const parameters = searchParameters(search.view);
    parameters.set("k", String(PAGE));
    if (cursor) parameters.set("cursor", cursor);
    return api.search(parameters, search.picture, running.signal);
  }

  /** Remember the search that is shown, and how far down it the window is. */
  function keep() {
    if (!search || !answer || answer.partial) return; // the engine may answer soon
    kept.delete(search.key);
    kept.set(search.key, { answer, results: grid.results, next, top: scrollY });
    if (kept.size > KEPT) kept.delete(kept.keys().next().value);
  }

  function begin(first, results) {
    answer = first;
    const isRanked = search.view.sort === "relevance" && Boolean(search.view.q || search.picture);
    grid.clear({
      split: isRanked && (first.relevant === false || (results.length > 0 && isRelevant(results[0]))),
      byMonth: !isRanked && results.length > 0,
    });
    add(results, first.next);
    if (!results.length) showNone();
  }

  function showNone() {
    element.replaceChildren(make("div", { class: "pg-none" }, make("p", {}, t("results.none")), ...hooks.instead()));
  }

  function add(results, cursor) {
    next = cursor;
    const seen = new Set(grid.results.map((result) => result.id)); // the library may have changed between pages
    const first = grid.append(results.filter((result) => !seen.has(result.id)), Boolean(next));
    more.hidden = !next;
    summarise();
    watcher.disconnect();
    if (next && grid.results.length < BY_ITSELF) watcher.observe(more);
    return first;
  }

  function summarise() {
    const count = grid.results.length;
    const spoken = answer.language ? languageName(answer.language) : search.picture ? t("summary.byPicture") : null;
    const partial = answer.partial ? t("results.partial") : null;
    summary.textContent = [spoken, t(next ? "summary.first" : "count.photos", { count }), partial].filter(Boolean).join(" · ");
    summary.title = t("summary.took", { time: formatMilliseconds(answer.took_ms.total) });
  }

  /** Get the next page; a keyboard that asked for it goes on with its first photo. */
  async function addPage(isAsked) {
    if (!next || isLoading) return;
    isLoading = true;
    const mine = running;
    more.setAttribute("aria-busy", "true");
    try {
      const page = await ask(next);
      if (mine !== running) return;
      const first = add(page.results, page.next);
      if (isAsked) first?.focus({ preventScroll: true });
    } catch (problem) {
      if (mine === running && problem.name !== "AbortError") hooks.failed(problem);
    } finally {
      if (mine === running) {
        isLoading = false;
        more.removeAttribute("aria-busy");
      }
    }
  }

  const isEnough = (count) => count >= MOST || (grid.isSplit && !isRelevant(grid.results.at(-1)));

  /** Ask for pages until `isDone()`, or until there are no more. */
  async function complete(isDone) {
    const mine = running;
    while (next && mine === running && !isDone()) {
      if (isLoading) await new Promise((done) => setTimeout(done, 50));
      else await addPage(false);
    }
  }

  const watcher = new IntersectionObserver((entries) => { if (entries.some((entry) => entry.isIntersecting)) addPage(false); }, { rootMargin: AHEAD });
  more.addEventListener("click", () => addPage(true));

  function leave() {
    running.abort();
    running = new AbortController();
    isLoading = false;
    watcher.disconnect();
    more.removeAttribute("aria-busy");
  }

  return {
    get results() { return grid.results; },
    keep,
    focus: grid.focus,
    mark: grid.mark,
    none: showNone,
    photoOf: (id) => grid.results.find((result) => result.id === id),
    indexOf: (id) => grid.results.findIndex((result) => result.id === id),
    async between(first, last) {
      const [from, to] = [this.indexOf(first), this.indexOf(last)].sort((one, other) => one - other);
      return grid.results.slice(from, to + 1);
    },
    /** The photos of a month, all of them: the last ones may be on pages that were not asked for yet. */
    async ofMonth(month) {
      await complete(() => monthOf(grid.results.at(-1)) !== month);
      return grid.results.filter((result) => monthOf(result) === month);
    },
    countOf: (month) => grid.results.filter((result) => monthOf(result) === month).length,
    /** All results; by relevance, those that likely are what was asked for. */
    async all() {
      await complete(() => isEnough(grid.results.length));
      const likely = grid.isSplit ? grid.results.filter(isRelevant) : [];
      return likely.length ? likely : grid.results;
    },
    /** The key of the search that is shown, or null. */
    get key() { return search?.key ?? null; },
    clear() {
      leave();
      [search, answer, next] = [null, null, null];
      grid.clear();
      more.hidden = true;
      summary.textContent = summary.title = "";
      shell.classList.remove("pg-busy");
    },
    /** Show a search; one that history leads back to as it was left. @param {Search} wanted */
    async show(wanted, isBack) {
      leave();
      const mine = running;
      search = wanted;
      const before = isBack ? kept.get(wanted.key) : null;
      if (before) {
        begin(before.answer, before.results);
        add([], before.next);
        scrollTo(0, before.top);
        return;
      }
      shell.classList.add("pg-busy");
      try {
        const first = await ask(null);
        if (mine === running) begin(first, first.results);
      } catch (problem) {
        if (mine !== running || problem.name === "AbortError") return;
        answer = null;
        grid.clear();
        more.hidden = true;
        summary.textContent = "";
        hooks.failed(problem);
      } finally {
        if (mine === running) shell.classList.remove("pg-busy");
      }
    },
  };
}

/** Whether a view, with or without a picture, searches at all. */
export const isSearch = (view, picture) => Boolean(picture) || asks(view);
