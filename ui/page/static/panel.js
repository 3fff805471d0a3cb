// The library panel: a drawer with the library's folders, its job, failures, duplicates and encoders.
import { addFolderForm } from "./addfolder.js";
import { showDuplicates } from "./duplicates.js";
import { showEncoders } from "./encoders.js";
import { showDisplay } from "./display.js";
import { problemText } from "./errors.js";
import { counted, showFailures } from "./failures.js";
import { t } from "./i18n.js";
import { hasEnded, isRunning } from "./jobs.js";
import * as api from "./libraryapi.js";
import { outcomeText, progressBar, progressText } from "./progress.js";
import { showRoots, updateRoots } from "./roots.js";
import { make } from "./text.js";

const COUNTING = 3000; // milliseconds between two counts of each folder's photos, while a job runs

/** A part of the panel with a heading; `body` is to be filled. */
function section(name) {
  const id = `pg-panel-${name}`;
  const heading = make("h3", { id }, t(`panel.${name}`));
  const body = make("div");
  return { body, heading, element: make("section", { "aria-labelledby": id }, heading, body) };
}

/** Wire the dialog. `look()` looks at the server's job at once, `changed()` is called when the library has another folder or one less.
 *  @returns `open()`, and `showJob(job)` to be called whenever it moves */
export function libraryPanel(dialog, look, changed) {
  const parts = Object.fromEntries(["folders", "failures", "duplicates", "encoder", "display"].map((name) => [name, section(name)]));
  const said = make("p", { class: "pg-said", role: "status" });
  const wrong = make("p", { class: "pg-missing", role: "alert", dir: "auto", hidden: true });
  let running = false;
  let listed = null; // the paths of the folders that are listed
  let countedAt = 0;
  const job = jobCard(() => attempt(api.stopJob));
  const roots = make("div", { class: "pg-acts" });
  const shut = make("button", { type: "button", class: "pg-close", "aria-label": t("close"), title: t("close"), onclick: () => dialog.close() }, "×");

  parts.folders.body.append(roots, make("h4", {}, t("add.title")), addFolderForm(() => start(async () => undefined)));
  showDisplay(parts.display.body);
  dialog.append(make("header", {}, make("h2", {}, t("panel.title")), shut), wrong, said, job.element, ...Object.values(parts).map((part) => part.element));
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

  /** Do what may fail; the panel says so. */
  async function attempt(act) {
    wrong.hidden = true;
    try {
      return await act();
    } catch (problem) {
      const { general, detail } = problemText(problem);
      wrong.textContent = [general, detail].filter(Boolean).join(" ");
      wrong.hidden = false;
      wrong.scrollIntoView({ block: "nearest" });
      return null;
    }
  }

  const start = (act) => attempt(async () => {
    said.textContent = "";
    await act();
    await look();
    await refresh();
  });

  async function forget(root) {
    const done = await attempt(() => api.forgetRoot(root.id));
    if (!done) return;
    changed();
    await refresh();
    said.textContent = t("root.removed", { count: done.forgotten });
    shut.focus();
  }

  const lock = (isBusy) => {
    for (const button of dialog.querySelectorAll(".pg-acts button, .pg-add [type=submit]")) button.disabled = isBusy;
  };

  const refresh = () => attempt(async () => {
    const [found, encoders] = await Promise.all([api.roots(), api.encoders()]);
    countedAt = Date.now();
    listed = found.map((root) => root.path);
    showRoots(roots, found, { rescan: (root) => start(() => api.rescan(root?.id ?? null)), forget });
    lock(running);
    showEncoders(parts.encoder.body, encoders);
    const failed = await showFailures(parts.failures.body, () => start(api.retryFailures));
    parts.failures.element.hidden = !failed;
    parts.failures.heading.replaceChildren(...[t("panel.failures"), counted(failed)].filter(Boolean));
    await showDuplicates(parts.duplicates.body);
  });

  const recount = () => attempt(async () => {
    countedAt = Date.now();
    updateRoots(roots, await api.roots());
  });

  return {
    /** Open it, at one of `parts` if that is named. */
    async open(part = null) {
      dialog.showModal();
      await refresh();
      parts[part]?.element.scrollIntoView();
    },
    showJob(now, before) {
      job.update(now);
      running = isRunning(now);
      lock(running);
      const isEnd = hasEnded(now, before);
      if (isEnd) said.textContent = outcomeText(now);
      const isNew = running && typeof now.root === "string" && listed && !listed.includes(now.root); // it was added when the job began
      if (!dialog.open) return undefined;
      if (isEnd || isNew) return refresh();
      return running && Date.now() - countedAt > COUNTING ? recount() : undefined;
    },
  };
}

/** The job that runs: how far it is, and a button that stops it. */
function jobCard(stop) {
  const { bar, update } = progressBar();
  const text = make("p", { class: "pg-quiet" });
  const halt = make("button", { type: "button", class: "pg-pill", onclick: stop }, t("job.stop"));
  const where = make("bdi", { dir: "ltr", class: "pg-path" });
  const element = make("section", { class: "pg-job", "aria-label": t("job.title"), hidden: true }, make("b", {}, t("job.title")), where, bar, text, halt);
  return {
    element,
    update(job) {
      element.hidden = !isRunning(job);
      if (element.hidden) return;
      where.textContent = typeof job.root === "string" ? job.root : "";
      text.textContent = progressText(job);
      update(job);
    },
  };
}
