// Months: their names, and their headings with a box that selects all of a month.
import { formatDate, t } from "./i18n.js";
import { make } from "./text.js";

/** The month of a photo, as the timeline has it: "2024-05", or null without a date. */
export const monthOf = (photo) => photo.taken_at?.slice(0, 7) ?? null;

/** "May 2024" of "2024-05". */
export const monthName = (month) => (month ? formatDate(`${month}-01`, { year: "numeric", month: "long" }) : t("month.none"));

/** A round box that selects. @returns {HTMLButtonElement} */
export const checkBox = (label, data) =>
  make("button", { type: "button", class: "pg-check", role: "checkbox", "aria-checked": "false", "aria-label": label, title: label, tabindex: "-1", ...data },
    make("span", { "aria-hidden": "true" }, "✓"));

/** The heading of a month. */
export function monthHeading(month) {
  const name = monthName(month);
  const box = checkBox(t("select.month", { name }), { "data-month": month ?? "" });
  box.tabIndex = 0;
  return make("div", { class: "pg-month" }, make("h2", {}, name), box);
}
