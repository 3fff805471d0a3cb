// A strip of small photos inside the details: those like it, or its near-duplicates.
import { thumbnail } from "./api.js";
import { problemNote } from "./errors.js";
import { fileName, make } from "./text.js";

/** A strip called `name` of what `answer`, a promise of an API's document, brings; `photo` is marked in it.
 *  `open(photos, index)` is called when one is chosen; `more` is a button that goes with the heading. */
export function strip(name, answer, photo, open, more = "") {
  const pictures = make("ul", { class: "pg-strip", role: "list" });
  const whole = make("section", { "aria-label": name }, make("h3", {}, name, more), pictures);
  answer.then(
    ({ results, photos = results }) => {
      const choices = photos.map((one, at) => {
        const label = fileName(one.path);
        const image = make("img", { src: thumbnail(one.id), alt: "", loading: "lazy", decoding: "async" });
        return make("li", {}, make("button", {
          type: "button", "aria-label": label, title: label, "aria-current": one.id === photo.id ? "true" : null, onclick: () => open(photos, at),
        }, image));
      });
      pictures.append(...choices);
      if (!photos.length) whole.remove();
    },
    (problem) => pictures.replaceWith(problemNote(problem)),
  );
  return whole;
}
