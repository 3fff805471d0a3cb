// What the library panel asks of the HTTP API; api.js has the rest.
import { request } from "./api.js";

const paged = (path, cursor, count) => request(`${path}?${new URLSearchParams({ k: count, ...(cursor ? { cursor } : {}) })}`);

/** @typedef {{id: number, path: string, state: "online" | "offline" | "partly offline", photos: number,
 *             watch: null | {how: "native" | "partly" | "polling" | "offline", note: string}}} Root */
/** @typedef {{id: string, state: "running" | "done" | "failed" | "stopped", root: string | null, done: number, total: number,
 *             failed: number, rate: number | null, seconds_left: number | null, report: object | null, error: object | null}} Job */

export const roots = () => request("roots").then((document) => document.roots);
export const addRoot = (path) => request("roots", { method: "POST", json: { path } });
export const forgetRoot = (id) => request(`roots/${id}`, { method: "DELETE" });
export const folders = (path) => request(`folders${path ? `?${new URLSearchParams({ path })}` : ""}`);

/** Look through one folder of the library again, or through all of them. */
export const rescan = (root = null) => request("jobs", { method: "POST", json: { root } });
export const job = () => request("jobs/current").then((document) => document.job);
export const stopJob = () => request("jobs/current", { method: "DELETE" });

export const failures = (cursor) => paged("failures", cursor, 50);
export const retryFailures = () => request("failures/retry", { method: "POST" });
export const duplicates = (cursor) => paged("duplicates", cursor, 20);
export const encoders = () => request("encoders").then((document) => document.encoders ?? document);
