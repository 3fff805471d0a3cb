// Light or dark: as the device has it, unless the user has chosen.

const KEPT = "polyglance.look"; // in localStorage

/** What can be chosen; base.css says what each means. */
export const looks = ["system", "light", "dark"];

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null; // the browser keeps nothing for this page
  }
}

/** The name of the look that is shown. */
export const look = () => looks.find((name) => name === kept()) ?? "system";

// Not its style: Gradio writes that anew.
const apply = (name) => { document.documentElement.dataset.look = name; };

/** Choose a look: one of `looks`. */
export function setLook(name) {
  apply(name);
  try {
    localStorage.setItem(KEPT, name);
  } catch {
    // it lasts until the page is left
  }
}

apply(look());
