// What the library holds: the line at the bottom, and what to do while it is empty.
import { t } from "./i18n.js";
import { copyButton, make } from "./text.js";

const command = (text) => make("span", { class: "pg-command", dir: "ltr" }, make("code", {}, text), copyButton(text));

/** Fill the line at the bottom of the page. */
export function showLibrary(element, status) {
  const offline = status.roots.filter((root) => root.state === "offline").length;
  const parts = [
    t("count.photos", { count: status.photos }),
    t("count.folders", { count: status.roots.length }),
    status.encoder ? t("summary.encoder", { name: status.encoder }) : null,
    status.failed ? t("count.failed", { count: status.failed }) : null,
    offline ? t("count.offline", { count: offline }) : null,
  ];
  const paths = status.roots.map((root) => root.path).join("\n");
  element.replaceChildren(make("p", { title: paths }, parts.filter(Boolean).join(" · ")));
}

/** Say how to begin; shown instead of the search box's examples while there is nothing to find. */
export function showEmpty(element, status) {
  element.hidden = status.photos > 0;
  if (status.photos > 0) return;
  const folders = status.roots.map((root) => make("code", { class: "pg-path" }, root.path));
  element.replaceChildren(
    make("h2", {}, t(status.roots.length ? "empty.titleRoots" : "empty.title")),
    ...folders,
    make("p", {}, t("empty.text")),
    make("p", {}, t("empty.terminal")),
    command("polyglance index ~/Pictures"),
    make("p", {}, t("empty.private")),
  );
}
