// The library's part of the page: the line at the bottom, the slim progress line, the empty state, the way to the panel.
import * as api from "./api.js";
import { addFolderForm } from "./addfolder.js";
import { t } from "./i18n.js";
import { followJob, hasEnded, isRunning } from "./jobs.js";
import { outcomeText, progressBar, progressText } from "./progress.js";
import { command } from "./roots.js";
import { make } from "./text.js";

const COUNTING = 3000; // milliseconds between two looks at how many photos there are, while a job runs
const WATCHING = 14_000; // the same otherwise: somebody else may index, or watch the folders

/** Start it inside the page's `shell`. `refresh()` shows the current results again, with what has come since; `asked(status)` is
 *  called whenever the library was asked how it is.
 *  @returns {{ready: Promise<void>, shown: () => void, open: (part?: string) => Promise<void>}} `ready` once the library was asked (or rejects with a Problem); `shown` is to be
 *    called when results were shown: what is new is counted from then */
export function startLibrary(shell, refresh, asked) {
  const find = (name) => shell.querySelector(`.pg-${name}`);
  const line = progressLine(find("progress"), () => open(), () => refresh());
  let panel = null;
  let status = null;
  let seen = Infinity; // photos there were when results were last shown
  let countedAt = 0;
  let job = null;

  async function count() {
    countedAt = Date.now();
    status = await api.status();
    shell.classList.toggle("pg-nothing", status.photos === 0);
    showLine(find("library"), status, () => open());
    showEmpty(find("empty"), status, look);
    asked(status);
    line.news(shell.dataset.view === "home" ? 0 : status.photos - seen);
  }

  const look = followJob(async (now, before) => {
    job = now;
    panel?.showJob(now, before);
    line.update(now);
    if (hasEnded(now, before)) line.ended(now);
    if (hasEnded(now, before) || Date.now() - countedAt > (isRunning(now) ? COUNTING : WATCHING)) await count();
  });

  async function open(part) {
    const { libraryPanel } = await import("./panel.js");
    panel ??= libraryPanel(find("panel"), look, count);
    panel.showJob(job);
    await panel.open(part);
  }

  function shown() {
    seen = status?.photos ?? Infinity;
    line.news(0);
  }

  find("to-library").addEventListener("click", () => open());
  return { ready: count().then(shown), shown, open };
}

/** The slim line: hidden, how far a job is, or what it did and how many photos are new. */
function progressLine(element, open, refresh) {
  const { bar, update } = progressBar();
  const text = make("button", { type: "button", class: "pg-progress-text", title: t("panel.title"), onclick: open });
  const show = make("button", { type: "button", class: "pg-pill", hidden: true, onclick: refresh });
  const close = make("button", { type: "button", class: "pg-progress-close", "aria-label": t("close"), hidden: true, onclick: () => { element.hidden = true; } }, "×");
  element.append(bar, text, show, close);
  return {
    update(job) {
      if (!isRunning(job)) return;
      element.hidden = false;
      bar.hidden = false;
      close.hidden = true;
      update(job);
      text.textContent = `${t("job.title")} · ${progressText(job)}`;
    },
    ended(job) {
      element.hidden = false;
      bar.hidden = true;
      close.hidden = false;
      text.textContent = outcomeText(job);
    },
    news(count) {
      show.hidden = count <= 0;
      show.textContent = t("progress.new", { count: Math.max(0, count) });
      if (count > 0) element.hidden = false;
    },
  };
}

/** The line at the bottom of the page. */
function showLine(element, status, open) {
  const offline = status.roots.filter((root) => root.state === "offline").length;
  const parts = [
    t("count.photos", { count: status.photos }),
    t("count.folders", { count: status.roots.length }),
    status.encoder ? t("summary.encoder", { name: status.encoder }) : null,
    status.failed ? t("count.failed", { count: status.failed }) : null,
    offline ? t("count.offline", { count: offline }) : null,
  ];
  element.replaceChildren(make("button", { type: "button", onclick: open, title: t("panel.title") }, parts.filter(Boolean).join(" · ")));
}

/** What to do while there is nothing to find. */
function showEmpty(element, status, look) {
  element.hidden = status.photos > 0;
  if (element.hidden || element.children.length) return; // what was typed into the form stays
  const folders = status.roots.map((root) => make("bdi", { class: "pg-path", dir: "ltr" }, root.path));
  element.replaceChildren(
    make("h2", {}, t(status.roots.length ? "empty.titleRoots" : "empty.title")),
    ...folders,
    make("p", {}, t("empty.text")),
    addFolderForm(look),
    make("p", { class: "pg-quiet" }, t("empty.terminal")),
    command("polyglance index ~/Pictures"),
    make("p", { class: "pg-quiet" }, t("empty.private")),
  );
}
