// The service worker: it keeps the page's own files, so that an installed page opens without a server and says that it needs one.
// The server puts `const VERSION = "…", FILES = […];` before it. Photos, thumbnails and answers of the API are never kept.
const CACHE = `polyglance-${VERSION}`;
const OURS = new URL(`ui/${VERSION}/`, registration.scope).pathname;
const PAGE = registration.scope;

addEventListener("install", (event) => {
  event.addRoutes?.({ condition: { urlPattern: new URLPattern({ pathname: "/api/*" }) }, source: "network" }).catch(() => undefined);
  event.waitUntil(keepAll().then(() => skipWaiting()));
});

addEventListener("activate", (event) => {
  event.waitUntil(Promise.all([forgetOthers(), registration.navigationPreload?.enable()]));
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (pathname.startsWith(OURS)) event.respondWith(keptFirst(request));
  else if (request.mode === "navigate" && pathname === new URL(PAGE).pathname) event.respondWith(networkFirst(event));
});

async function keepAll() {
  const cache = await caches.open(CACHE);
  await cache.addAll(FILES.map((name) => `${OURS}${name}`));
  await keepPage(cache, await fetch(PAGE, { credentials: "same-origin" }));
}

/** Keep the document if it is of this version: another would ask for files that are not here. */
async function keepPage(cache, response) {
  if (response.ok && (await response.clone().text()).includes(`ui/${VERSION}/`)) await cache.put(PAGE, response);
}

async function forgetOthers() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("polyglance-") && name !== CACHE).map((name) => caches.delete(name)));
}

async function keptFirst(request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(request.url)) ?? fetch(request);
}

async function networkFirst(event) {
  try {
    return (await event.preloadResponse) ?? (await fetch(event.request));
  } catch {
    const cache = await caches.open(CACHE);
    return (await cache.match(PAGE)) ?? Response.error();
  }
}
