// Views beside the photos (Explore, Map) and the navigation to all of them. To add one: a line in MODULES.
import { formatAddress, HOME } from "./address.js";

/** @typedef {object} OtherView a module; it is loaded when it is shown for the first time
 *  @property {(container: HTMLElement, view: import("./address.js").View, page: Page) => Promise<void> | void} show
 *    fills `container`, which is empty at the first time; called again whenever filters change while it is shown
 *  @property {() => void} hide called when another view replaces it; the container is hidden by then */

/** @typedef {object} Page what a view can ask for
 *  @property {(view: object) => void} go another view
 *  @property {() => import("./address.js").View} current what is shown
 *  @property {(view: object) => void} keep the same view, of which something is kept in the address
 *  @property {(part?: string) => void} openLibrary the library panel, at a part of it
 *  @property {(problem: Error) => void} failed a message */

/** Name in the address -> its module. Only views that are listed here are in the navigation.
 *  @type {Record<string, () => Promise<OtherView>>} */
const MODULES = {
  explore: () => import("./explore.js"),
  map: () => import("./mapview.js"),
};

/** Whether there is such a view. */
export const isOther = (name) => Object.hasOwn(MODULES, name);

/** Wire the views to `container` and the links of `nav`. `page` is what they can ask for. */
export function otherViews(container, nav, page) {
  const places = new Map(); // name -> its own element, kept so that "back" shows it as it was left
  const tops = new Map(); // address -> how far down the window was
  let shown = null; // { name, module, address }

  /** Where a link of the navigation leads: the map shows the photos that the filters leave. */
  const target = (name, filters = {}) => ({ ...HOME, view: name, filters: name === "map" ? filters : {} });

  for (const link of nav.querySelectorAll("[data-view]")) {
    link.hidden = link.dataset.view !== "photos" && !isOther(link.dataset.view);
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a new tab or window
      event.preventDefault();
      page.go(target(link.dataset.view, page.current().filters));
    });
  }

  function place(name) {
    if (!places.has(name)) {
      const made = document.createElement("div");
      places.set(name, made);
      container.append(made);
    }
    return places.get(name);
  }

  function hide() {
    if (!shown) return;
    container.hidden = true;
    places.get(shown.name).hidden = true;
    shown.module?.hide();
    shown = null;
  }

  return {
    hide,
    /** Remember how far down the window is, before another view is shown. */
    keep() { if (shown) tops.set(shown.address, scrollY); },
    /** Show the view `view.view`; one that history leads back to as it was left. */
    async show(view, isBack) {
      if (shown?.name !== view.view) hide();
      const mine = { name: view.view, module: shown?.module ?? null, address: formatAddress(view) };
      shown = mine;
      const element = place(view.view);
      [container.hidden, element.hidden] = [false, false];
      const module = await MODULES[view.view]();
      if (shown !== mine) return;
      mine.module = module;
      await module.show(element, view, page);
      if (shown === mine && isBack) scrollTo({ top: tops.get(mine.address) ?? 0, behavior: "instant" });
    },
    /** Say in the navigation which view is shown, and where its links lead from there. */
    mark(name, { filters }) {
      for (const link of nav.querySelectorAll("[data-view]")) {
        link.href = `${location.pathname}${formatAddress(target(link.dataset.view, filters))}`;
        if (link.dataset.view === name) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
      }
    },
  };
}
