// Makes the page installable. Where a browser has no service workers (private windows, plain HTTP to another machine) nothing is lost.

/** Register the service worker when the page has nothing else to do. */
export function registerWorker() {
  if (!navigator.serviceWorker || !isSecureContext) return;
  const register = () => navigator.serviceWorker.register(new URL("worker.js", document.baseURI), { updateViaCache: "none" }).catch(() => undefined);
  addEventListener("load", () => setTimeout(register, WAITING), { once: true });
}

const WAITING = 5000; // milliseconds: its files would delay the first photos
