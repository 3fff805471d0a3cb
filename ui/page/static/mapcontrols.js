// What lies on the map: zoom, "show all", the scale, and whose tiles are shown.
import { formatNumber, isRightToLeft, t } from "./i18n.js";
import { make } from "./text.js";

/** Add them to `map`. `fit()` shows all photos; `tiles` is the address of a tile server, or null. */
export function addControls(map, { fit, tiles }) {
  const { control, Control } = globalThis.L;
  const [start, end] = isRightToLeft() ? ["bottomright", "bottomleft"] : ["bottomleft", "bottomright"];
  control.zoom({ position: end, zoomInTitle: t("photo.zoomIn"), zoomOutTitle: t("photo.zoomOut") }).addTo(map);
  new (Control.extend({ onAdd: () => fitButton(fit) }))({ position: end }).addTo(map);
  new (scaleOf(Control.Scale))({ position: start, imperial: false }).addTo(map);
  if (tiles) control.attribution({ position: start, prefix: false }).addAttribution(make("span", {}, `© ${new URL(tiles).host}`).outerHTML).addTo(map);
}

function fitButton(fit) {
  const button = make("a", { href: "#", role: "button", title: t("map.fit"), "aria-label": t("map.fit") }, make("span", { "aria-hidden": "true" }, "⤢"));
  button.addEventListener("click", (event) => {
    event.preventDefault();
    fit();
  });
  const bar = make("div", { class: "leaflet-bar" }, button);
  globalThis.L.DomEvent.disableClickPropagation(bar);
  return bar;
}

/** Leaflet's scale with numbers and units as the language writes them. */
const scaleOf = (Scale) => Scale.extend({
  _updateMetric(most) {
    const metres = this._getRoundNum(most);
    const [value, unit] = metres < 1000 ? [metres, "meter"] : [metres / 1000, "kilometer"];
    this._updateScale(this._mScale, formatNumber(value, { style: "unit", unit, unitDisplay: "short" }), metres / most);
  },
});
