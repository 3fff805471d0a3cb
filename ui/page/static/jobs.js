// The server's job, looked at each second while it runs and now and then otherwise: somebody else may start one.
import { job as current } from "./libraryapi.js";

const RUNNING = 1000; // milliseconds between two looks
const IDLE = 15_000;

export const isRunning = (job) => job?.state === "running";

/** Whether a job has ended since the previous look, also one that ran in between; not one that ended before the page was opened. */
export const hasEnded = (job, before) =>
  before !== undefined && job !== null && !isRunning(job) && (isRunning(before) || job.id !== before?.id);

/** Call `onChange(job, before)` after each look; `before` is undefined at the first.
 *  @returns {() => Promise<void>} looks at once, after a job was started from here */
export function followJob(onChange) {
  let before;
  let timer;

  async function look() {
    clearTimeout(timer);
    let job = before;
    try {
      job = await current();
      onChange(job, before);
      before = job;
    } catch {
      // A search reports that the server is gone; this looks again later.
    }
    clearTimeout(timer);
    timer = setTimeout(() => (document.hidden ? undefined : look()), isRunning(job) ? RUNNING : IDLE);
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? undefined : look()));
  look();
  return look;
}
