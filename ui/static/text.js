// Texts made from data. Everything is set as text, never as HTML: file names and captions are anybody's input.

/** Make an element: `make("a", {class: "x", href}, "text", child)`. Properties of undefined or null are left out. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const languages = new Intl.DisplayNames(["en"], { type: "language" });
const numbers = new Intl.NumberFormat("en");

export const languageName = (code) => languages.of(code);
export const count = (n, one) => `${numbers.format(n)} ${one}${n === 1 ? "" : "s"}`;
export const percent = (share) => `${Math.round(share * 100)}%`;
// A backslash parts folders on Windows only; elsewhere it begins an escape such as \u202e, or is part of a name.
export const fileName = (path) => path.split(path.startsWith("/") ? "/" : /[/\\]/).pop() || path;

/** "14 March 2019, 09:30" of an ISO 8601 time as the camera's clock showed it; the offset, if any, is appended. */
export function date(taken, style = { dateStyle: "long", timeStyle: "short" }) {
  if (!taken) return null;
  const moment = new Date(`${taken.slice(0, 19)}Z`);
  if (Number.isNaN(moment.getTime())) return taken;
  const shown = new Intl.DateTimeFormat("en-GB", { ...style, timeZone: "UTC" }).format(moment);
  return style.timeStyle && taken.length > 19 ? `${shown} (UTC${taken.slice(19)})` : shown;
}

export function bytes(size) {
  if (size < 1e3) return `${size} bytes`;
  return size < 1e6 ? `${Math.round(size / 1e3)} kB` : `${(size / 1e6).toFixed(1)} MB`;
}

/** "48.85837° N, 2.29448° E" of decimal degrees. */
export function place(latitude, longitude) {
  if (latitude === null || longitude === null) return null;
  const part = (value, letters) => `${Math.abs(value).toFixed(5)}° ${letters[value < 0 ? 1 : 0]}`;
  return `${part(latitude, "NS")}, ${part(longitude, "EW")}`;
}

/** A button that copies `text` and says so. */
export function copyButton(text, label = "Copy") {
  const button = make("button", { type: "button", class: "pg-copy" }, label);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Press Ctrl+C";
      getSelection().selectAllChildren(button.previousElementSibling ?? button);
    }
    setTimeout(() => { button.textContent = label; }, 1600);
  });
  return button;
}
