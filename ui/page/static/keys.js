// Keys that work everywhere on the page, and the list of all of them.
import { t } from "./i18n.js";
import { make } from "./text.js";

const KEYS = [
  ["/", "keys.search"], ["Enter", "keys.enter"], ["← → ↑ ↓", "keys.arrows"], ["+ − 0", "keys.zoom"], ["F", "keys.favourite"], ["X", "keys.select"], ["Esc", "keys.escape"], ["?", "keys.help"],
];

/** Whether a Latin letter was pressed: where the keyboard has others, by its place on the key. */
export const isLetter = (event, letter) =>
  event.key.toLowerCase() === letter || (event.code === `Key${letter.toUpperCase()}` && !/^[a-z]$/i.test(event.key));

/** Wire the keys. `query` is the search box, `help` a dialog to list them in, `mark(id)` turns a favourite on or off. */
export function takeKeys(query, help, mark) {
  function showHelp() {
    const rows = KEYS.flatMap(([key, name]) => [make("dt", {}, make("kbd", {}, key)), make("dd", {}, t(name))]);
    help.setAttribute("aria-label", t("keys.title"));
    help.replaceChildren(make("h2", {}, t("keys.title")), make("dl", {}, ...rows),
      make("button", { type: "button", class: "pg-close", "aria-label": t("close"), onclick: () => help.close() }, "×"));
    help.showModal();
  }

  help.addEventListener("click", (event) => { if (event.target === help) help.close(); });
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
    const tile = event.target.closest?.(".pg-tile [data-id]");
    if (event.key === "?" && !help.open) showHelp();
    else if (event.key === "/" && !document.querySelector("dialog[open]")) query.select();
    else if (isLetter(event, "f") && tile) mark(Number(tile.dataset.id));
    else return;
    event.preventDefault();
  });
}
