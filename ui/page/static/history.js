// The searches made in this browser, the newest first: kept on this device only, and forgotten on request.

const KEPT = "polyglance.history"; // in localStorage
const MOST = 30;

/** The searches, as they were typed. @returns {string[]} */
export function searches() {
  try {
    const stored = JSON.parse(localStorage.getItem(KEPT) ?? "[]");
    return Array.isArray(stored) ? stored.filter((text) => typeof text === "string") : [];
  } catch {
    return []; // the browser stores nothing for this page, or somebody else wrote there
  }
}

function keep(all) {
  try {
    if (all.length) localStorage.setItem(KEPT, JSON.stringify(all));
    else localStorage.removeItem(KEPT);
  } catch {
    // in a private window nothing is kept
  }
}

/** Put a search before all others. */
export function remember(typed) {
  const text = typed.trim();
  if (text) keep([text, ...searches().filter((other) => other !== text)].slice(0, MOST));
}

export const forget = (text) => keep(searches().filter((other) => other !== text));
export const forgetAll = () => keep([]);
