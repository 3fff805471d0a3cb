// The part of the filter panel about time: a year and a month of it, or the first and the last day.
import { withFilter } from "./address.js";
import { firstDay, shifted } from "./days.js";
import { field, section, select } from "./fields.js";
import { formatDate } from "./i18n.js";
import { make } from "./text.js";

const OLDEST = "1800-01-01"; // a year that is being typed passes through 0002, 0020, 0202
const MONTHS = Array.from({ length: 12 }, (_, at) => String(at + 1).padStart(2, "0"));
const DATE = /^(\d{4})(?:-(\d{2}))?$/;

/** The section, and `update(view, facets)`. `current()` gives the view, `change(view)` asks for another. */
export function whenFields(current, change, ...others) {
  /** One period replaces the others: together they would mostly leave nothing. */
  const choose = (value) => change(withFilter(withFilter(withFilter(current(), "after", []), "before", []), "date", value ? [value] : []));
  const [year, month] = [select("filter.anyYear", choose), select("filter.anyMonth", (value) => choose(value ? `${year.element.value}-${value}` : year.element.value))];

  function day(name, onward) {
    const input = make("input", { type: "date", min: OLDEST, max: "9998-12-31" });
    const set = (values) => change(withFilter(withFilter(current(), "date", []), name, values));
    input.addEventListener("change", () => {
      if (!input.value) set([]);
      else if (input.validity.valid) set([shifted(input.value, onward)]);
    });
    return input;
  }
  const [from, to] = [day("after", 0), day("before", 1)];

  return {
    element: section("filter.dates", "dates", field("filter.year", year.element), field("filter.month", month.element), field("filter.from", from), field("filter.to", to), ...others),
    update(view, { years = [], months = [] }) {
      const [, chosen = "", part = ""] = DATE.exec(view.filters.date?.[0] ?? "") ?? [];
      const photos = new Map(months.map((one) => [one.name, one.photos]));
      const isCounted = months.length > 0;
      const known = years.some((one) => one.name === chosen) || !chosen ? years : [...years, { name: chosen, photos: 0 }];
      year.update(known.map((one) => ({ ...one, label: formatDate(`${one.name}-07-01`, { year: "numeric" }) })), chosen);
      month.update(MONTHS.map((name) => ({
        name, label: formatDate(`2024-${name}-01`, { month: "long" }), photos: isCounted ? photos.get(`${chosen}-${name}`) ?? 0 : null,
      })), part);
      month.element.disabled = !chosen;
      const [after, before] = ["after", "before"].map((name) => firstDay(view.filters[name]?.[0] ?? ""));
      from.value = after ?? "";
      to.value = before ? shifted(before, -1) : "";
    },
  };
}
