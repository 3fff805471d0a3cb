// Stands in the document itself and runs before anything is loaded: the page has its colours and its language at once, and what
// it needs first is asked for while its scripts are on their way. The server says what LANGUAGES, UI and FIRST are (app.py).
const kept = (name) => {
  try {
    return localStorage.getItem(`polyglance.${name}`);
  } catch {
    return null; // the browser stores nothing for this page
  }
};
const ask = (href) => document.head.append(Object.assign(document.createElement("link"), { rel: "preload", as: "fetch", crossOrigin: "anonymous", href }));

const { dataset } = document.documentElement;
const preferred = [kept("language"), ...navigator.languages.map((tag) => tag.toLowerCase().split("-")[0])];
dataset.language = preferred.find((code) => LANGUAGES.includes(code)) ?? "en";
dataset.look = kept("look") ?? "system";
ask(`${UI}/words/${dataset.language}.json`);
if (!location.search) ask(FIRST);
