// The result grid: one tile a photo, likely ones first, the rest under a quiet heading.
import { clampAspect, justify } from "./layout.js";
import { formatDate, t } from "./i18n.js";
import { fileName, make, percent } from "./text.js";

const LIKELY = 0.5; // relevance from which a photo more likely shows the query than not
const GAP = 8;

function tile(result, index, open) {
  const name = fileName(result.path);
  const day = formatDate(result.taken_at, { dateStyle: "medium" });
  const image = make("img", { src: `media/thumbnail/${result.id}`, alt: name, loading: "lazy", decoding: "async" });
  image.addEventListener("error", () => image.parentElement?.classList.add("pg-broken"));
  return make(
    "a",
    {
      class: "pg-tile",
      href: `media/photo/${result.id}`,
      "data-id": String(result.id),
      "aria-label": [name, t("tile.relevance", { share: percent(result.relevance) }), day].filter(Boolean).join(", "),
      onclick: (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a new tab shows the file itself
        event.preventDefault();
        open(index);
      },
    },
    image,
    make("span", { class: "pg-name", dir: "auto" }, name),
    make("span", { class: "pg-facts" }, make("b", {}, percent(result.relevance)), day ? make("span", {}, day) : null),
  );
}

function arrange(rows, results, scale) {
  const width = rows.clientWidth;
  if (!width) return;
  const height = scale * (width < 560 ? 170 : width < 1000 ? 200 : 240);
  const places = justify(results.map(clampAspect), width, height, GAP);
  [...rows.children].forEach((child, at) => {
    child.style.width = `${Math.floor(places[at].width * 100) / 100}px`;
    child.style.height = `${places[at].height}px`;
  });
}

/** Fill `element` with `results`; `open(index)` is called when one is chosen. */
export function showGrid(element, results, open) {
  const split = results.findIndex((result) => result.relevance < LIKELY);
  const likely = split < 0 ? results.length : split;
  const groups = [results.slice(0, likely), results.slice(likely)];
  const parts = [];
  groups.forEach((group, at) => {
    if (!group.length) return;
    if (at === 1) {
      parts.push(make("h2", { class: "pg-less" }, t(likely ? "results.less" : "results.nothing")));
    }
    const tiles = group.map((result, index) => tile(result, index + at * likely, open));
    const rows = make("div", { class: at ? "pg-rows pg-dim" : "pg-rows" }, ...tiles);
    new ResizeObserver(() => arrange(rows, group, at ? 0.7 : 1)).observe(rows);
    parts.push(rows);
  });
  element.replaceChildren(...parts);
}
