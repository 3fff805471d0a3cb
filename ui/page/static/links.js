// Links to views of the page, which have an address of their own for a new tab.
import { formatAddress } from "./address.js";
import { make } from "./text.js";

/** A link to `view`; a plain click calls `go(view)` instead of loading the page anew. */
export function viewLink(view, go, properties, ...content) {
  return make("a", {
    ...properties,
    href: formatAddress(view),
    onclick(event) {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      go(view);
    },
  }, ...content);
}
