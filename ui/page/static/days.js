// Days as the API and as date fields write them. `after` includes its day, `before` does not; the page's "to" includes it.

const DAY = /^(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?$/;

/** The ISO day some days after another. */
export function shifted(day, days) {
  const moment = new Date(`${day}T00:00:00Z`);
  moment.setUTCDate(moment.getUTCDate() + days);
  return moment.toISOString().slice(0, 10);
}

/** The first day of a year, a month or a day as `after:` and `before:` take them; null if it is none. */
export function firstDay(value) {
  const [, year, month = "1", day = "1"] = DAY.exec(value.trim()) ?? [];
  if (!year) return null;
  const text = `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}`;
  const isDay = !Number.isNaN(Date.parse(text)) && shifted(text, 0) === text; // the 30th of February would become March
  return isDay ? text : null;
}
