// Light or dark: as the device has it, unless the user has chosen.

const KEPT = "polyglance.look"; // in localStorage; early.js applies it

/** What can be chosen; base.css says what each means. */
export const looks = ["system", "light", "dark"];

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null; // the browser stores nothing for this page
  }
}

/** The name of the look that is shown. */
export const look = () => looks.find((name) => name === kept()) ?? "system";

/** Choose a look: one of `looks`. */
export function setLook(name) {
  document.documentElement.dataset.look = name; // not in its style, which Gradio overwrites
  try {
    localStorage.setItem(KEPT, name);
  } catch {
    // the choice lasts until the page is closed
  }
}
