// NO DATA that needs no script to appear: an animation that is put off with every fresh message and, when the page's
// script stalls, uncovers the sign by itself in the browser's compositor.
import { byId } from "./dom.js";

let covering = null;

export function putOff(leftMs) {
  covering?.cancel();
  const sign = byId("blind");
  covering = sign.animate(
    [{ opacity: 0, visibility: "visible" }, { opacity: 1, visibility: "visible" }],
    { delay: Math.max(0, leftMs), duration: 1, fill: "forwards" },
  );
}
