// Examples of searches: things that this library holds, one in each language.
import { language, languageName } from "./i18n.js";
import { make } from "./text.js";
import { examples } from "./timelineapi.js";

/** Fill `element`, which stays hidden where there are none. `search(text)` is called when one is chosen. */
export async function showExamples(element, search) {
  const known = await examples(language);
  element.hidden = !known.length;
  element.replaceChildren(...known.map((example) =>
    make("button", { type: "button", lang: example.language, dir: "auto", title: languageName(example.language), onclick: () => search(example.text) }, example.text)));
}
