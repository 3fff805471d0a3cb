// Swipes across an element, on screens that are touched.

const FAR = 60; // pixels

/** Call `act(isLeft)` when a finger goes across `element`, unless it scrolls something on the way, or moves a zoomed picture. */
export function swipes(element, act) {
  let from = null;
  element.addEventListener("touchstart", (event) => {
    const isFree = event.touches.length === 1 && !event.target.closest(".pg-strip, .pg-zoomed");
    from = isFree ? event.touches[0] : null;
  }, { passive: true });
  element.addEventListener("touchend", (event) => {
    if (!from) return;
    const across = event.changedTouches[0].clientX - from.clientX;
    const down = event.changedTouches[0].clientY - from.clientY;
    if (Math.abs(across) > FAR && Math.abs(across) > 2 * Math.abs(down)) act(across < 0);
  });
}
