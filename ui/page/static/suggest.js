// Under the search box: what this library has that begins like what is typed, or the searches made before.
import { suggest } from "./api.js";
import { combobox } from "./combobox.js";
import { forget, forgetAll, remember, searches } from "./history.js";
import { formatNumber, t } from "./i18n.js";
import { learn } from "./named.js";
import { make } from "./text.js";

const PAUSE = 120; // milliseconds without a key until the server is asked
const MOST = 8;

const words = (text) => make("span", { class: "pg-suggest-text" }, make("bdi", {}, text));
const quiet = (...content) => make("span", { class: "pg-quiet" }, ...content);

/** Wire the search box. `addFilter(words, name, value)` is called when a suggestion is a filter, with the words that stay. */
export function suggestions(input, addFilter) {
  let asked = new AbortController();
  let timer = 0;
  let isComposing = false;

  const box = combobox(input, () => (input.value.trim() ? ask() : showHistory()));

  function search(text) {
    input.value = text;
    input.form.requestSubmit();
  }

  function drop(change, ...texts) {
    change(...texts);
    showHistory();
    input.focus();
  }

  function showHistory() {
    box.show(t("history.title"), searches().slice(0, MOST).map((text) => ({
      content: [words(text),
        make("span", { class: "pg-forget", "aria-hidden": "true", title: t("history.forget") }, "×")],
      choose: () => search(text),
      remove: () => drop(forget, text),
    })), [quiet(t("history.title")), make("button", { type: "button", onclick: () => drop(forgetAll) }, t("history.forgetAll"))]);
  }

  /** Suggestions for the whole text, else for its last word; `before` is what stays then. */
  async function suggestionsFor(text, signal) {
    const whole = await suggest(text, MOST, signal);
    const cut = text.search(/\s\S+$/);
    if (whole.suggestions.length || cut < 0) return { before: "", suggestions: whole.suggestions };
    return { before: text.slice(0, cut), suggestions: (await suggest(text.slice(cut + 1), MOST, signal)).suggestions };
  }

  const choice = (before) => ({ kind, text, photos, q, filter }) => ({
    content: [words(text), quiet(t(`suggest.${kind}`)), quiet(formatNumber(photos))],
    choose() {
      if (!filter) return search([before, q ?? text].filter(Boolean).join(" "));
      learn(filter.name, filter.value, text);
      return addFilter(before, filter.name, filter.value);
    },
  });

  async function ask() {
    asked.abort();
    asked = new AbortController();
    const { signal } = asked;
    try {
      const { before, suggestions: all } = await suggestionsFor(input.value.trim(), signal);
      if (!signal.aborted && !isComposing && document.activeElement === input) box.show(t("suggest.title"), all.map(choice(before)));
    } catch {
      if (!signal.aborted) box.close(); // searching works without suggestions
    }
  }

  function leave() {
    clearTimeout(timer);
    asked.abort();
  }

  function typed() {
    leave();
    if (isComposing) return;
    if (!input.value.trim()) showHistory();
    else timer = setTimeout(ask, PAUSE);
  }

  input.addEventListener("compositionstart", () => { isComposing = true; leave(); });
  input.addEventListener("compositionend", () => { isComposing = false; typed(); });
  input.addEventListener("input", typed);
  input.addEventListener("click", () => { if (!input.value && !box.isOpen) showHistory(); });
  // Before the page's own listener, which leaves only the words in the box.
  input.form.addEventListener("submit", () => {
    leave();
    box.close();
    remember(input.value);
  }, { capture: true });
}
