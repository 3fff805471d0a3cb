// The library's folders: what is in them, whether they are there and how they are watched.
import { named, nodes, t } from "./i18n.js";
import { copyButton, make } from "./text.js";

const path = (root) => make("bdi", { dir: "ltr", class: "pg-path" }, root.path);

/** A command to type in a terminal, with a button that copies it. */
export const command = (text) => make("span", { class: "pg-command", dir: "ltr" }, make("code", {}, text), copyButton(text));

function state(root) {
  if (root.state !== "online") return t(root.state === "offline" ? "root.offline" : "root.partlyOffline");
  return root.watch ? t(`watch.${root.watch.how}`) : null;
}

/** "1,234 photos · 2 cannot be read · watched", as far as it is known. */
const facts = (root) => [t("count.photos", { count: root.photos }), root.failed ? t("count.failed", { count: root.failed }) : null, state(root)].filter(Boolean).join(" · ");

/** One folder's row. `acts`: `rescan(root)`, null for all, and `forget(root)`. */
function row(root, acts) {
  const element = make("li", { class: "pg-root", "data-root": root.id });
  const text = make("div", {},
    path(root),
    make("p", { class: "pg-quiet pg-root-facts" }, facts(root)),
    root.watch?.note ? make("p", { class: "pg-quiet", lang: "en", dir: "ltr" }, root.watch.note) : null);
  const again = make("button", { type: "button", class: "pg-pill", onclick: () => acts.rescan(root) }, t("root.rescan"));
  const forget = make("button", { type: "button", class: "pg-pill", onclick: ask }, t("root.remove"));
  const buttons = make("div", { class: "pg-buttons" }, again, forget);

  function ask() {
    const yes = make("button", { type: "button", class: "pg-pill pg-danger", onclick: () => acts.forget(root) }, t("root.remove"));
    const no = make("button", { type: "button", class: "pg-pill", onclick: back }, t("cancel"));
    element.replaceChildren(
      make("p", {}, ...nodes("root.sure", { folder: path(root) })),
      make("p", { class: "pg-quiet" }, t("root.sureText", { count: root.photos })),
      make("p", { class: "pg-quiet" }, t("root.sureMarks")),
      make("div", { class: "pg-buttons" }, yes, no));
    no.focus();
  }

  function back() {
    element.replaceChildren(text, buttons);
    forget.focus();
  }

  again.setAttribute("aria-label", named(t("root.rescan"), root.path));
  forget.setAttribute("aria-label", named(t("root.remove"), root.path));
  element.classList.toggle("pg-offline", root.state !== "online");
  element.append(text, buttons);
  return element;
}

/** Fill `element` with the roots. */
export function showRoots(element, roots, acts) {
  const all = make("button", { type: "button", class: "pg-pill", onclick: () => acts.rescan(null) }, t("root.rescanAll"));
  const unwatched = roots.length > 0 && roots.every((root) => root.watch === null);
  element.replaceChildren(
    make("ul", {}, ...roots.map((root) => row(root, acts))),
    ...(roots.length > 1 ? [make("div", { class: "pg-buttons" }, all)] : []),
    ...(unwatched ? [make("p", { class: "pg-quiet pg-apart" }, t("watch.nobody")), command("polyglance serve --watch")] : []));
}

/** Show the facts of roots again, which change while they are indexed; whoever is about to press a button is not disturbed. */
export function updateRoots(element, roots) {
  for (const root of roots) {
    const line = element.querySelector(`[data-root="${root.id}"] .pg-root-facts`);
    if (line) line.textContent = facts(root);
  }
}
