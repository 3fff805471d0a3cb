// Files that could not be read: which, why, what helps.
import { formatNumber, language, t } from "./i18n.js";
import { failures } from "./libraryapi.js";
import { make } from "./text.js";

/** What the server says, in English, beside our sentence where the page speaks another language. */
function row(failure) {
  const kind = failure.kind === "other" || language === "en" ? null : make("p", {}, t(`failure.${failure.kind}`));
  const said = (language === "en" ? [failure.reason, failure.hint] : [failure.reason]).filter(Boolean);
  return make("li", {},
    make("bdi", { dir: "ltr", class: "pg-path" }, failure.path), kind,
    ...said.map((text) => make("p", { class: "pg-quiet", lang: "en", dir: "ltr" }, text)));
}

/** Fill `element` with the first failures and a way to more; `retry()` begins to try them again. Returns how many there are. */
export async function showFailures(element, retry) {
  const list = make("ul");
  const more = make("button", { type: "button", class: "pg-pill", hidden: true }, t("more"));
  let next = null;

  async function load() {
    const page = await failures(next);
    next = page.next;
    list.append(...page.failures.map(row));
    more.hidden = !next;
    return page.total;
  }

  more.addEventListener("click", load);
  const total = await load();
  element.replaceChildren(
    make("p", { class: "pg-quiet" }, t("failures.text")),
    make("button", { type: "button", class: "pg-pill", onclick: retry }, t("failures.retry")),
    list, more);
  return total ?? list.children.length;
}

/** A heading's number in brackets, for the eye; nothing for none. */
export const counted = (count) => (count ? make("span", { class: "pg-number" }, formatNumber(count)) : null);
