// A strip of small photos inside the details: those like it, its near-duplicates, or those taken before and after it.
import { thumbnail } from "./api.js";
import { problemNote } from "./errors.js";
import { title } from "./facts.js";
import { joined } from "./i18n.js";
import { make } from "./text.js";

/** A strip called `name` of what `answer`, a promise of an API's document, brings; `photo` is marked in it.
 *  `open(photos, index)` is called when one is chosen. `more` is a button that goes with the heading;
 *  `caption(photo, photos)` gives the texts under each. */
export function strip(name, answer, photo, open, { more = "", caption = () => [] } = {}) {
  const pictures = make("ul", { class: "pg-strip", role: "list" });
  const whole = make("section", { "aria-label": name }, make("h3", {}, name, more), pictures);

  function choice(one, at, photos) {
    const texts = caption(one, photos);
    const label = joined([title(one).name, ...texts]);
    const image = make("img", { src: thumbnail(one.id, one.version), alt: "", loading: "lazy", decoding: "async" });
    return make("li", {}, make("button", {
      type: "button", "aria-label": label, title: label, "aria-current": one.id === photo.id ? "true" : null, onclick: () => open(photos, at),
    }, image, ...texts.map((text) => make("span", { dir: "auto" }, text))));
  }

  answer.then(
    ({ results, photos = results }) => {
      pictures.append(...photos.map(choice));
      if (!photos.some((one) => one.id !== photo.id)) whole.remove();
      else showMiddle(pictures, pictures.querySelector("[aria-current]"));
    },
    (problem) => pictures.replaceWith(problemNote(problem)),
  );
  return whole;
}

/** Scroll a strip, and nothing around it, until one of it is in the middle. */
function showMiddle(pictures, current) {
  if (!current) return;
  const [box, whole] = [current.getBoundingClientRect(), pictures.getBoundingClientRect()];
  pictures.scrollLeft += (box.left + box.right - whole.left - whole.right) / 2;
}
