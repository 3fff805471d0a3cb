// "On this day": the photos that were taken on today's day in earlier years, as a strip above the newest ones.
import { thumbnail } from "./api.js";
import { formatDate, formatRelative, joined, t } from "./i18n.js";
import { make } from "./text.js";
import { onThisDay } from "./timelineapi.js";

const pad = (number) => String(number).padStart(2, "0");

function card(found, day, open) {
  const date = `${found.year}-${day}`;
  const ago = formatRelative(found.year - new Date().getFullYear(), "year");
  return make("li", {},
    make("button", { type: "button", "aria-label": joined([ago, formatDate(date, { dateStyle: "long" }), t("count.photos", { count: found.photos })]), onclick: () => open(date) },
      make("img", { src: thumbnail(found.first[0].id, found.first[0].version), alt: "", decoding: "async" }),
      make("span", { "aria-hidden": "true" }, make("b", {}, ago), formatDate(date, { year: "numeric" }))));
}

/** Fill `element`, which stays hidden where there is nothing. `open(date)` is called with a day as 2021-11-26. */
export async function showOnThisDay(element, open) {
  const now = new Date();
  const day = `${pad(now.getMonth() + 1)}-${pad(now.getDate())}`;
  const years = await onThisDay(`${now.getFullYear()}-${day}`);
  element.hidden = !years.length;
  element.replaceChildren(
    make("h2", {}, t("day.title")),
    make("ul", { role: "list" }, ...years.map((found) => card(found, day, open))));
}
