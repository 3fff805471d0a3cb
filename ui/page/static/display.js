// How the page looks and what it speaks: a part of the library panel.
import { t } from "./i18n.js";
import { languageSwitch } from "./languages.js";
import { look, looks, setLook } from "./look.js";
import { setPercent, showsPercent } from "./percent.js";
import { make } from "./text.js";

const choice = (name, select) => make("label", { class: "pg-choice" }, make("span", {}, t(name)), select);

/** Fill `element` with the choices. */
export function showDisplay(element) {
  const language = make("select");
  languageSwitch(language);
  const appearance = make("select", { onchange: () => setLook(appearance.value) },
    ...looks.map((name) => make("option", { value: name, selected: name === look() }, t(`look.${name}`))));
  const percent = make("input", { type: "checkbox", checked: showsPercent() || null, onchange: () => setPercent(percent.checked) });
  element.append(choice("language.label", language), choice("look.label", appearance), choice("display.percent", percent));
}
