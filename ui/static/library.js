// What the library holds: the line at the bottom, and what to do while it is empty.
import { copyButton, make } from "./text.js";

const count = (n, one) => `${n} ${one}${n === 1 ? "" : "s"}`;
const command = (text) => make("span", { class: "pg-command" }, make("code", {}, text), copyButton(text));

/** Fill the line at the bottom of the page. */
export function showLibrary(element, status) {
  const offline = status.roots.filter((root) => root.state === "offline");
  const line = [count(status.photos, "photo"), `in ${count(status.roots.length, "folder")}`].join(" ");
  const parts = [line, status.encoder ? `${status.encoder} encoder` : null];
  if (status.failed) parts.push(`${count(status.failed, "file")} could not be read`);
  if (offline.length) parts.push(`${count(offline.length, "folder")} offline`);
  const lines = [make("p", { title: status.roots.map((root) => root.path).join("\n") }, parts.filter(Boolean).join(" · "))];
  if (status.encoder === "lite") {
    lines.push(make("p", {},
      "The lite encoder works offline and knows everyday things. For people, scenes and whole sentences, switch to AltCLIP\u2011m9: ",
      command("polyglance reencode --encoder altclip-m9")));
  }
  element.replaceChildren(...lines);
}

/** Say how to begin; shown instead of the search box's examples while there is nothing to find. */
export function showEmpty(element, status) {
  element.hidden = status.photos > 0;
  if (status.photos > 0) return;
  const folders = status.roots.map((root) => make("code", { class: "pg-path" }, root.path));
  element.replaceChildren(
    make("h2", {}, status.roots.length ? "No photos in these folders yet" : "This library is empty"),
    ...folders,
    make("p", {}, status.roots.length
      ? "Put photos there and index again, or add another folder, in a terminal:"
      : "Tell polyglance where your photos are. In a terminal:"),
    command("polyglance index ~/Pictures"),
    make("p", {}, "Then reload this page. Your files are only read, and nothing leaves this machine."),
  );
}
