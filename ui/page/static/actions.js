// What can be done with a photo: mark it, ask for more or fewer like it, take it away.
import * as api from "./api.js";
import { t } from "./i18n.js";
import { make } from "./text.js";

const sign = (text) => make("span", { "aria-hidden": "true" }, text);

/** The buttons of a photo. `marked(id, favourite)` hears what was marked, `failed(problem)` what went wrong, `weigh(id, weight)`
 *  asks for another search. Returns the `element`, and `mark()` for a key. */
export function photoActions(photo, { marked, failed, weigh, isRanked }) {
  let isFavourite = photo.favourite;

  async function mark() {
    try {
      const answer = await api.favourite(photo.id, !isFavourite);
      for (const id of answer.ids) marked(id, answer.favourite); // photos with the same bytes share it
      isFavourite = answer.favourite;
      heart.setAttribute("aria-pressed", String(isFavourite));
    } catch (problem) {
      failed(problem);
    }
  }

  const heart = make("button", { type: "button", class: "pg-favourite", "aria-pressed": String(isFavourite), title: `${t("photo.favourite")} (F)`, onclick: mark },
    sign("♥"), t("photo.favourite"));
  const weighing = (key, text, weight) => make("button", { type: "button", onclick: () => weigh(photo.id, weight) }, sign(text), t(key));
  const element = make("div", { class: "pg-actions" }, heart, weighing("photo.moreLike", "+", 1), isRanked() ? weighing("photo.lessLike", "−", -1) : null,
    make("a", { href: `${api.original(photo.id)}?download=1`, download: "" }, sign("↓"), t("photo.download")),
    make("a", { href: api.original(photo.id), target: "_blank", rel: "noopener" }, sign("↗"), t("photo.open")));
  return { element, mark };
}
