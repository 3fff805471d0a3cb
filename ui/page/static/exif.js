// How a photo was taken, written as photographers do: f/1.8 · 1/250 s · ISO 200 · 35 mm.
import { formatExposure, formatLength, formatNumber, t } from "./i18n.js";

/** The parts of that line; what is not known is left out. @param {object} exif of GET /photos/ID/exif */
export function exposureParts(exif) {
  const { f_number: aperture, exposure, iso, focal_length: focal, focal_length_35: equivalent } = exif;
  const isSame = focal && equivalent && Math.round(focal) === Math.round(equivalent);
  return [
    aperture ? `f/${formatNumber(aperture, { maximumFractionDigits: 1 })}` : null,
    exposure ? formatExposure(exposure) : null,
    iso ? `ISO ${formatNumber(iso, { useGrouping: false })}` : null,
    focal ? formatLength(focal) : null,
    equivalent && !isSame ? t("exif.equivalent", { length: formatLength(equivalent) }) : null,
  ].filter(Boolean);
}
