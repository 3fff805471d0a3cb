// Elements and texts made from data. Everything is set as text, never as HTML: file names and captions are anybody's input.
import { formatNumber, joined, t } from "./i18n.js";

/** Make an element: `make("a", {class: "x", href}, "text", child)`. Properties of undefined or null are left out. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// A backslash parts folders on Windows only; elsewhere it begins an escape such as \u202e, or is part of a name.
export const fileName = (path) => path.split(path.startsWith("/") ? "/" : /[/\\]/).pop() || path;

const side = (degrees, positive, negative) => t(degrees < 0 ? negative : positive, { degrees: formatNumber(Math.abs(degrees), { maximumFractionDigits: 5 }) });

/** "48.85837° N, 2.29448° E" of decimal degrees. */
export function place(latitude, longitude) {
  if (latitude === null || longitude === null) return null;
  return joined([side(latitude, "place.north", "place.south"), side(longitude, "place.east", "place.west")]);
}

/** A button that copies `text` and says so. */
export function copyButton(text, label = t("copy")) {
  const button = make("button", { type: "button", class: "pg-copy", "aria-live": "polite" }, label);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = t("copied");
    } catch {
      button.textContent = t("copyByKey");
      getSelection().selectAllChildren(button.previousElementSibling ?? button);
    }
    setTimeout(() => { button.textContent = label; }, 1600);
  });
  return button;
}
