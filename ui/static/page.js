// The page: one search box, one grid, one dialog. `server` holds the functions of ui/handlers.py.
import { detailsDialog } from "./details.js";
import { problemText } from "./errors.js";
import { showGrid } from "./grid.js";
import { formatMilliseconds, languageName, t, translate } from "./i18n.js";
import { languageSwitch } from "./languages.js";
import { startLibrary } from "./library.js";
import { make } from "./text.js";

const FIRST = 60; // photos asked for at first; "Show more" asks for as many again

/** What went wrong, as the user should read it: `message` and `hint`. */
class Problem extends Error {
  constructor(message, hint = "", status = 422) {
    super(message);
    Object.assign(this, { hint, status });
  }
}

const silent = () => new Problem("", "", 0);

/** Call a function of ui/handlers.py; its error becomes a Problem. */
async function ask(call, request) {
  let reply;
  try {
    reply = await call(request);
  } catch {
    throw silent();
  }
  if (reply?.error) throw new Problem(reply.error.message, reply.error.hint);
  if (!reply?.document) throw silent();
  return reply.document;
}

/** Search by a picture's bytes, over the HTTP API: they are never stored. */
async function askPicture(file, wanted) {
  const response = await fetch(`api/v1/similar?k=${wanted}`, { method: "POST", body: file }).catch(() => { throw silent(); });
  const document = await response.json().catch(() => { throw silent(); });
  if (!response.ok) throw new Problem(document.detail, document.hint, response.status);
  return document;
}

const viewOfAddress = () => {
  const parameters = new URLSearchParams(location.search);
  if (parameters.get("q")) return { kind: "text", query: parameters.get("q") };
  if (/^\d+$/.test(parameters.get("like") ?? "")) return { kind: "photo", id: Number(parameters.get("like")) };
  return { kind: "home" };
};

const addressOf = (view) => {
  if (view.kind === "text") return `?${new URLSearchParams({ q: view.query })}`;
  return view.kind === "photo" ? `?like=${view.id}` : location.pathname;
};

/** Start the page inside `element`. */
export function start(element, server) {
  translate(element);
  const find = (name) => element.querySelector(`.pg-${name}`);
  const [query, grid, summary, error, like] = ["query", "results", "summary", "error", "like"].map(find);
  languageSwitch(element.querySelector(".pg-language select"));
  for (const example of find("examples").children) example.title = languageName(example.lang);
  const shell = element.querySelector(".pg");
  const details = detailsDialog(find("details"), (id) => ask(server.photo, { photo: id }), (photo) => go({ kind: "photo", id: photo.id }));
  let turn = 0; // the last search asked for: an answer to an older one is dropped

  function fetchAnswer(view, wanted) {
    if (view.kind === "text") return ask(server.search, { query: view.query, count: wanted });
    return view.kind === "photo" ? ask(server.similar, { photo: view.id, count: wanted }) : askPicture(view.file, wanted);
  }

  async function render(view, wanted = FIRST) {
    const mine = ++turn;
    details.close();
    shell.dataset.view = view.kind === "home" ? "home" : "found";
    query.value = view.kind === "text" ? view.query : "";
    document.title = view.kind === "text" ? `${view.query} – polyglance` : "polyglance";
    showLike(view);
    error.hidden = true;
    if (view.kind === "home") {
      grid.replaceChildren();
      summary.textContent = "";
      query.focus();
      return;
    }
    shell.classList.add("pg-busy");
    try {
      const answer = await fetchAnswer(view, wanted);
      if (mine === turn) showAnswer(view, answer, wanted);
      library.shown();
    } catch (problem) {
      if (mine === turn) showProblem(problem);
    } finally {
      if (mine === turn) shell.classList.remove("pg-busy");
    }
  }

  function showAnswer(view, answer, wanted) {
    const results = answer.results;
    const spoken = answer.language ? languageName(answer.language) : view.kind === "text" ? null : t("summary.byPicture");
    const parts = [spoken, formatMilliseconds(answer.took_ms.total), t("summary.encoder", { name: answer.encoder })];
    summary.textContent = parts.filter(Boolean).join(" · ");
    showGrid(grid, results, (index) => details.open(results, index, grid));
    if (!results.length) grid.append(make("p", { class: "pg-none" }, t("results.none")));
    if (results.length === wanted) {
      const more = () => render(view, wanted + FIRST);
      grid.append(make("button", { type: "button", class: "pg-more", onclick: more }, t("results.more")));
    }
  }

  function showProblem(problem) {
    grid.replaceChildren();
    summary.textContent = "";
    const { general, detail } = problemText(problem);
    error.replaceChildren(make("strong", { dir: "auto" }, general), make("span", { dir: "auto" }, detail));
    error.hidden = false;
  }

  /** The picture that is searched by, as a small chip inside the search box. */
  function showLike(view) {
    like.hidden = view.kind !== "photo" && view.kind !== "picture";
    query.placeholder = t(like.hidden ? "search.placeholder" : "search.placeholderLike");
    if (like.hidden) return like.replaceChildren();
    const source = view.kind === "photo" ? `media/thumbnail/${view.id}` : URL.createObjectURL(view.file);
    const image = make("img", { src: source, alt: t("like.alt") });
    image.addEventListener("load", () => { if (view.kind === "picture") URL.revokeObjectURL(source); });
    image.addEventListener("error", () => image.remove()); // a format that only the server reads, HEIC for one
    return like.replaceChildren(image, make("button", { type: "button", "aria-label": t("like.remove"), onclick: () => go({ kind: "home" }) }, "×"));
  }

  function go(view) {
    if (addressOf(view) !== location.search || view.kind === "home") history.pushState(null, "", addressOf(view));
    scrollTo({ top: 0 });
    return render(view);
  }

  const goText = (text) => (text.trim() ? go({ kind: "text", query: text.trim() }) : undefined);
  const goFile = (file) => (file ? go({ kind: "picture", file }) : undefined);

  find("search").addEventListener("submit", (event) => {
    event.preventDefault();
    if (matchMedia("(hover: none)").matches) query.blur(); // puts the keyboard on the screen away
    goText(query.value);
  });
  find("examples").addEventListener("click", (event) => {
    if (event.target.matches("button")) goText(event.target.textContent);
  });
  find("brand").addEventListener("click", (event) => {
    event.preventDefault();
    go({ kind: "home" });
  });
  find("pick").addEventListener("click", () => find("file").click());
  find("file").addEventListener("change", (event) => {
    goFile(event.target.files[0]);
    event.target.value = "";
  });
  takePictures(find("drop"), goFile);
  addEventListener("popstate", () => render(viewOfAddress()));
  addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.matches("input, textarea") || find("details").open) return;
    event.preventDefault();
    query.select();
  });

  const library = startLibrary(shell, () => render(viewOfAddress()));
  library.ready.catch(showProblem);
  return render(viewOfAddress());
}

/** Let a picture be dropped or pasted anywhere on the page. */
function takePictures(veil, take) {
  const carriesFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  addEventListener("dragover", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    veil.hidden = false;
  });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) veil.hidden = true; });
  addEventListener("drop", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    veil.hidden = true;
    take(event.dataTransfer.files[0]);
  });
  addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
    if (!file) return;
    event.preventDefault();
    take(file);
  });
}
