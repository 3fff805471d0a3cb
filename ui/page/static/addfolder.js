// A folder for the library: typed, or found by walking through the folders of the server's machine.
import { problemText } from "./errors.js";
import { t } from "./i18n.js";
import { addRoot, folders } from "./libraryapi.js";
import { make } from "./text.js";

/** A form; `onAdded()` is called once the server has begun to index the folder. */
export function addFolderForm(onAdded) {
  const path = make("input", { class: "pg-field", name: "path", dir: "ltr", required: true, spellcheck: "false", autocapitalize: "off", autocomplete: "off", "aria-label": t("add.path"), placeholder: "/home/…/Pictures" });
  const look = make("button", { type: "button", class: "pg-pill", "aria-expanded": "false" }, t("add.browse"));
  const wrong = make("p", { class: "pg-missing", role: "alert", dir: "auto", hidden: true });
  const chooser = make("div", { class: "pg-chooser", hidden: true });
  const form = make("form", { class: "pg-add" },
    make("div", { class: "pg-add-line" }, path, look, make("button", { type: "submit", class: "pg-pill pg-primary" }, t("add.go"))),
    wrong, chooser);

  function show(problem) {
    const { general, detail } = problem ? problemText(problem) : { general: "", detail: "" };
    wrong.textContent = [general, detail].filter(Boolean).join(" ");
    wrong.hidden = !problem;
  }

  async function walk(to) {
    try {
      const here = await folders(to);
      show(null);
      path.value = here.path;
      const step = (name, target) => make("button", { type: "button", onclick: () => walk(target) }, name);
      const up = here.parent === null || here.parent === undefined ? [] : [make("li", {}, step(`↑ ${t("add.up")}`, here.parent))];
      const inside = here.folders.map((folder) => make("li", {}, step(make("bdi", {}, folder.name), folder.path)));
      chooser.replaceChildren(make("ul", { "aria-label": t("add.inside") }, ...up, ...inside), inside.length ? "" : make("p", {}, t("add.none")));
      chooser.scrollTop = 0;
      chooser.querySelector("button")?.focus({ preventScroll: true });
    } catch (problem) {
      show(problem);
    }
  }

  look.addEventListener("click", () => {
    chooser.hidden = !chooser.hidden;
    look.setAttribute("aria-expanded", String(!chooser.hidden));
    if (!chooser.hidden) walk(path.value.trim());
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await addRoot(path.value.trim());
      show(null);
      path.value = "";
      chooser.hidden = true;
      look.setAttribute("aria-expanded", "false");
      onAdded();
    } catch (problem) {
      show(problem);
    }
  });
  return form;
}
