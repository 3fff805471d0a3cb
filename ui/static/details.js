// One photo, large, with everything the library knows about it.
import { formatBytes, formatDate, formatNumber, t } from "./i18n.js";
import { copyButton, fileName, make, percent, place } from "./text.js";

const ENLARGED = 1.5; // how far a small photo is blown up to fill the window
const SWIPE = 60; // pixels

function facts(photo, result) {
  const pixels = t("fact.pixels", { width: photo.width, height: photo.height });
  const score = result && formatNumber(result.score, { maximumFractionDigits: 3 });
  const rows = [
    ["fact.taken", formatDate(photo.taken_at)],
    ["fact.camera", photo.camera],
    ["fact.lens", photo.lens],
    ["fact.size", [pixels, formatBytes(photo.size), photo.format].join(" · ")],
    ["fact.place", place(photo.latitude, photo.longitude)],
    ["fact.caption", photo.caption],
    ["fact.relevance", result ? t("fact.score", { share: percent(result.relevance), score }) : null],
  ];
  const list = make("dl");
  for (const [name, value] of rows) {
    if (value) list.append(make("dt", {}, t(name)), make("dd", { dir: "auto" }, value));
  }
  if (photo.keywords.length) {
    const words = photo.keywords.map((word) => make("span", { class: "pg-keyword", dir: "auto" }, word));
    list.append(make("dt", {}, t("fact.keywords")), make("dd", {}, ...words));
  }
  list.append(make("dt", {}, t("fact.file")), make("dd", {}, make("code", { class: "pg-path" }, photo.path), copyButton(photo.path)));
  return list;
}

const arrow = (way, text, step) =>
  make("button", { type: "button", class: `pg-arrow pg-${way}`, "aria-label": t(`photo.${way}`), title: t(`photo.${way}`), onclick: step }, text);

/** Wire the dialog. `load(id)` fetches a photo's facts (or throws), `similar(id)` starts a search.
 *  Returns `open(results, index)` and `close()`. */
export function detailsDialog(dialog, load, similar) {
  let results = [];
  let at = 0;
  let opener = null;

  async function show() {
    const result = results[at];
    const name = fileName(result.path);
    const image = make("img", { alt: name, class: "pg-large", src: `media/photo/${result.id}` });
    [image.style.maxWidth, image.style.maxHeight] = [result.width, result.height].map((side) => `min(100%, ${ENLARGED * side}px)`);
    image.style.aspectRatio = `${result.width} / ${result.height}`;
    // The thumbnail stands in until the photo has come.
    image.style.backgroundImage = `url(media/thumbnail/${result.id})`;
    const missing = make("p", { class: "pg-missing", hidden: true }, t("photo.missing"));
    image.addEventListener("load", () => { image.style.backgroundImage = ""; });
    image.addEventListener("error", () => {
      if (image.dataset.failed) return;
      image.dataset.failed = "1";
      image.src = `media/thumbnail/${result.id}`;
      missing.hidden = false;
    });
    const side = make("div", { class: "pg-side" }, make("h2", { dir: "auto", class: "pg-title" }, name));
    const stage = make("div", { class: "pg-stage" }, image, missing);
    if (at > 0) stage.append(arrow("previous", "‹", () => step(-1)));
    if (at < results.length - 1) stage.append(arrow("next", "›", () => step(1)));
    const shut = make("button", { type: "button", class: "pg-close", "aria-label": t("close"), title: t("close"), onclick: () => dialog.close() }, "×");
    dialog.setAttribute("aria-label", name);
    dialog.replaceChildren(stage, side, shut);
    const shown = at;
    const actions = make("div", { class: "pg-actions" },
      make("button", { type: "button", class: "pg-primary", onclick: () => { dialog.close(); similar(result); } }, t("photo.similar")),
      make("a", { href: `media/photo/${result.id}`, target: "_blank", rel: "noopener", class: "pg-secondary" }, t("photo.open")));
    try {
      const photo = await load(result.id);
      if (shown === at && side.isConnected) side.append(facts(photo, result), actions);
    } catch (problem) {
      side.append(make("p", { class: "pg-missing" }, problem.message));
    }
  }

  function step(by) {
    const next = at + by;
    if (next < 0 || next >= results.length) return;
    at = next;
    show();
    dialog.focus();
  }

  dialog.tabIndex = -1;
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") step(-1);
    else if (event.key === "ArrowRight") step(1);
    else return;
    event.preventDefault();
  });
  let touched = null;
  dialog.addEventListener("touchstart", (event) => { touched = event.touches.length === 1 ? event.touches[0] : null; }, { passive: true });
  dialog.addEventListener("touchend", (event) => {
    const [across, down] = touched ? ["clientX", "clientY"].map((side) => event.changedTouches[0][side] - touched[side]) : [0, 0];
    if (Math.abs(across) > SWIPE && Math.abs(across) > 2 * Math.abs(down)) step(across < 0 ? 1 : -1);
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => {
    dialog.replaceChildren();
    opener?.querySelector(`[data-id="${results[at]?.id}"]`)?.focus();
  });

  return {
    open(list, index, grid) {
      [results, at, opener] = [list, index, grid];
      show();
      if (!dialog.open) dialog.showModal();
      dialog.focus();
    },
    close() { if (dialog.open) dialog.close(); },
  };
}
