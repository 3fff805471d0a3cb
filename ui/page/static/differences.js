// What tells photos of one group apart: those of their name, date, size and format that are not the same in all.
import { formatDate, formatNumber, t } from "./i18n.js";
import { fileName } from "./text.js";

const format = (photo) => /\.(\w{2,5})$/.exec(photo.path)?.[1].toUpperCase() ?? "";

const FACTS = [
  (photo) => formatDate(photo.taken_at, { dateStyle: "medium", timeStyle: "medium" }) ?? t("month.none"),
  (photo) => t("fact.pixels", { width: formatNumber(photo.width), height: formatNumber(photo.height) }),
  format,
];

/** The texts of what distinguishes `photo` among `photos`, its name left out. */
export const differing = (photo, photos) =>
  FACTS.filter((fact) => new Set(photos.map(fact)).size > 1).map((fact) => fact(photo)).filter(Boolean);

/** The same, with the name first if the names differ. */
export const difference = (photo, photos) =>
  [...(new Set(photos.map((one) => fileName(one.path))).size > 1 ? [fileName(photo.path)] : []), ...differing(photo, photos)];

/** The folder of a photo's path. */
export const folderOf = (path) => path.slice(0, Math.max(1, path.length - fileName(path).length - 1));
