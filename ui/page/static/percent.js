// Whether results carry a relevance in percent: only if the user has chosen so.
import { formatPercent } from "./i18n.js";

const KEPT = "polyglance.percent"; // in localStorage

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null; // the browser stores nothing for this page
  }
}

const apply = (isOn) => { document.documentElement.dataset.percent = isOn ? "on" : "off"; };

/** Whether percentages are shown. */
export const showsPercent = () => document.documentElement.dataset.percent === "on";

/** Show percentages, or not. */
export function setPercent(isOn) {
  apply(isOn);
  try {
    localStorage.setItem(KEPT, isOn ? "on" : "off");
  } catch {
    // the choice lasts until the page is closed
  }
}

/** The relevance of a result in percent; null where it says nothing, as where words or filters found the photo. */
export const percent = (result) => (result.why.some((reason) => reason !== "looks like") || result.relevance < 0.005 ? null : formatPercent(result.relevance));

apply(kept() === "on");
