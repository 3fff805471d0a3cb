// How far a job is: a bar and a line of text, in the panel and, slim, below the search box.
import { reasonText } from "./errors.js";
import { formatDuration, t } from "./i18n.js";
import { isRunning } from "./jobs.js";
import { make } from "./text.js";

/** "1,234 of 5,678 · 45 photos per second · 2 min left", as far as it is known. */
export function progressText(job) {
  if (job.phase === "waiting") return t("job.waiting");
  if (!job.total) return t("job.looking");
  const parts = [t("job.done", { done: job.done, total: job.total })];
  if (job.rate) parts.push(t("job.rate", { rate: job.rate < 10 ? Math.round(job.rate * 10) / 10 : Math.round(job.rate) }));
  if (job.seconds_left !== null && job.seconds_left !== undefined) parts.push(t("job.left", { time: formatDuration(job.seconds_left) }));
  return parts.join(" · ");
}

const COUNTED = ["added", "changed", "moved", "removed", "failed"];

/** What a job that has ended did. */
export function outcomeText(job) {
  if (job.state === "failed") return [t("job.failed"), job.error && reasonText(job.error)].filter(Boolean).join(" ");
  const counts = COUNTED.filter((name) => job.report?.[name]).map((name) => t(`report.${name}`, { count: job.report[name] }));
  if (job.state === "stopped") return t("job.stopped");
  return counts.length ? `${t("job.finished")} ${counts.join(" · ")}` : t("job.nothing");
}

/** A bar that `update(job)` moves; its text is for the eye, the bar's value for a screen reader. */
export function progressBar() {
  const bar = make("progress", { "aria-label": t("job.title") });
  return {
    bar,
    update(job) {
      if (isRunning(job) && job.total) Object.assign(bar, { max: job.total, value: job.done });
      else bar.removeAttribute("value");
    },
  };
}
