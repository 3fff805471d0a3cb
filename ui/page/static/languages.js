// The switch of the page's language.
import { language, languages, setLanguage } from "./i18n.js";
import { make } from "./text.js";

/** Fill a `<select>` with the languages, each by its own name. */
export function languageSwitch(select) {
  for (const [code, name] of Object.entries(languages)) {
    select.append(make("option", { value: code, lang: code, selected: code === language || null }, name));
  }
  // Arrow keys change a closed list at every step: the choice is made with Enter, or by going on.
  let isStepping = false;
  const choose = () => (select.value === language ? undefined : setLanguage(select.value));
  select.addEventListener("pointerdown", () => { isStepping = false; });
  select.addEventListener("keydown", (event) => {
    isStepping = event.key !== "Enter";
    if (!isStepping) choose();
  });
  select.addEventListener("change", () => (isStepping ? undefined : choose()));
  select.addEventListener("blur", choose);
}
