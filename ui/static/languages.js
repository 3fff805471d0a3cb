// The switch of the page's language.
import { language, languages, setLanguage } from "./i18n.js";
import { make } from "./text.js";

/** Fill a `<select>` with the languages, each by its own name. */
export function languageSwitch(select) {
  for (const [code, name] of Object.entries(languages)) {
    select.append(make("option", { value: code, lang: code, selected: code === language || null }, name));
  }
  select.addEventListener("change", () => setLanguage(select.value));
}
