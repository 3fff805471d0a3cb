// A text box with a list under it, as the ARIA pattern for comboboxes has it: the focus stays in the box, arrow keys move
// along the list. Nothing happens while an input method composes.
import { make } from "./text.js";

/** @typedef {object} Choice
 *  @property {(Node | string)[]} content
 *  @property {() => void} choose
 *  @property {() => void} [remove] by the Delete key, or by what has the class pg-forget */

/** Wire `input`. Returns `show(label, choices, footer)`, which opens the list, or closes it if there are no choices, `close()`
 *  and `isOpen`. `down()` is called for an arrow key while the list is closed. */
export function combobox(input, down) {
  const list = make("ul", { role: "listbox", id: "pg-suggestions" });
  const foot = make("div", { class: "pg-suggest-foot" });
  const popup = make("div", { class: "pg-suggest", hidden: true }, list, foot);
  let choices = [];
  let active = -1;

  for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-controls": list.id, "aria-expanded": "false" })) {
    input.setAttribute(name, value);
  }
  input.form.append(popup);

  function activate(at) {
    list.children[active]?.setAttribute("aria-selected", "false");
    active = at;
    const option = list.children[active];
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) input.setAttribute("aria-activedescendant", option.id);
    else input.removeAttribute("aria-activedescendant");
  }

  function show(label, wanted, footer = []) {
    choices = wanted;
    list.setAttribute("aria-label", label);
    list.replaceChildren(...choices.map(({ content }, at) => make("li", { role: "option", id: `pg-suggestion-${at}`, "aria-selected": "false" }, ...content)));
    foot.replaceChildren(...footer);
    activate(-1);
    popup.hidden = !choices.length;
    input.setAttribute("aria-expanded", String(!popup.hidden));
  }

  const close = () => show("", []);

  /** Act on the choice without letting the list that it may change act again. */
  function take(at, act) {
    const choice = choices[at];
    if (act === "choose") close();
    choice?.[act]?.();
  }

  input.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const isOpen = !popup.hidden;
    const last = choices.length - 1;
    if (event.key === "ArrowDown" && !isOpen) down();
    else if (event.key === "ArrowDown") activate(active === last ? -1 : active + 1);
    else if (event.key === "ArrowUp" && isOpen) activate(active === -1 ? last : active - 1);
    else if (event.key === "Enter" && isOpen && active >= 0) take(active, "choose");
    else if (event.key === "Delete" && isOpen && choices[active]?.remove) take(active, "remove");
    else if (event.key === "Escape" && isOpen) close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  popup.addEventListener("pointerdown", (event) => { if (!event.target.closest("button")) event.preventDefault(); }); // the focus stays in the box
  list.addEventListener("click", (event) => {
    const at = [...list.children].indexOf(event.target.closest("[role=option]"));
    if (at >= 0) take(at, event.target.closest(".pg-forget") ? "remove" : "choose");
  });
  input.form.addEventListener("focusout", (event) => { if (!popup.contains(event.relatedTarget) && event.relatedTarget !== input) close(); });
  input.form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || popup.hidden) return;
    close();
    input.focus();
  });

  return { show, close, get isOpen() { return !popup.hidden; } };
}
