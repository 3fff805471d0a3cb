// What the view Explore asks of the HTTP API.
import { request } from "./api.js";
import { language } from "./i18n.js";

/** What the library holds: things, places, countries, folders, cameras with photos and a cover each. */
export const explore = () => request(`explore?language=${language}`);
