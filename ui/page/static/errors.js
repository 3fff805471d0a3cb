// Errors in the page's language. The server's message is in English; where the page has no sentence for its reason, one about
// its kind precedes it.
import { has, language, t } from "./i18n.js";
import { make } from "./text.js";

const GENERAL = { 0: "silent", 401: "login", 403: "login", 404: "missing", 409: "later", 413: "large", 423: "busy", 429: "busy", 503: "busy", 507: "disk" };

/** The page's sentence for the reason of a refusal or a failed job, by the server's code for it; null if it has none. */
function reason({ code, values }) {
  if (!code) return null;
  const key = code.startsWith("picture_") ? `failure.${code.slice("picture_".length)}` : `refused.${code}`;
  return has(key) ? t(key, values ?? {}) : null;
}

/** Why something failed, in the page's language where the page has a sentence for it. */
export const reasonText = (failure) => (language !== "en" && reason(failure)) || [failure.message, failure.hint].filter(Boolean).join(" ");

/** @param {{status: number, message: string, hint?: string, code?: string, values?: object}} problem status 0: nobody answered
 *  @returns {{general: string, detail: string}} what to show first, and what the server adds */
export function problemText(problem) {
  const { status = 0, message, hint = "" } = problem;
  if (status === 0) return { general: t("error.silent"), detail: t("error.silentHint") };
  if (language === "en") return { general: message, detail: hint };
  const own = reason(problem);
  if (own) return { general: own, detail: "" };
  const kind = GENERAL[status] ?? (status < 500 ? "refused" : "internal");
  return { general: t(`error.${kind}`), detail: [message, hint].filter(Boolean).join(" ") };
}

/** The same as an element of the page. */
export function problemNote(problem) {
  const { general, detail } = problemText(problem);
  return make("p", { class: "pg-missing", role: "alert" }, make("bdi", {}, general), " ", make("bdi", {}, detail));
}
