// Runs in the frame of the plots: the time axis made shorter or longer, by buttons of the page or by two fingers.
"use strict";

const zoom = (() => {
  const SHORTEST_MIN = 0.2;
  const LONGEST_MIN = 24 * 60;
  const LEAST_APART = 0.02; // of the axis: two fingers that are nearer say nothing
  let pinch = null; // {times}: the minutes that were under the two fingers when the second came down

  const plot = () => document.getElementById("plot");
  const range = () => plot().layout?.xaxis?.range?.map(Number) ?? null;
  const set = ([from, to]) => Plotly.relayout("plot", { "xaxis.range": [from, to] });

  // The right end stays: what is looked at is nearly always the newest.
  function by(factor) {
    const now = range();
    if (!now) return;
    const wide = Math.min(LONGEST_MIN, Math.max(SHORTEST_MIN, (now[1] - now[0]) * factor));
    set([now[1] - wide, now[1]]);
  }

  const whole = () => Plotly.relayout("plot", { "xaxis.autorange": true });

  // Where the fingers are, as shares of the axis, from left to right.
  function shares(touches) {
    const box = document.querySelector(".nsewdrag").getBoundingClientRect();
    return [...touches].slice(0, 2).map((touch) => (touch.clientX - box.left) / box.width).sort((a, b) => a - b);
  }

  function begin(touches) {
    const now = range();
    if (!now || !document.querySelector(".nsewdrag")) return;
    const at = shares(touches);
    if (at[1] - at[0] > LEAST_APART) pinch = { times: at.map((share) => now[0] + share * (now[1] - now[0])), to: now, asked: false };
  }

  function move(touches) {
    const at = shares(touches);
    const wide = (pinch.times[1] - pinch.times[0]) / Math.max(LEAST_APART, at[1] - at[0]);
    if (!(wide >= SHORTEST_MIN && wide <= LONGEST_MIN)) return;
    pinch.to = [pinch.times[0] - at[0] * wide, pinch.times[0] + (1 - at[0]) * wide];
    if (pinch.asked) return;
    pinch.asked = true;
    requestAnimationFrame(() => {
      if (!pinch) return;
      pinch.asked = false;
      set(pinch.to);
    });
  }

  // The library began to pan under the first finger and must not hear of the second one; when it ends its pan it would
  // set the range of before.
  const keep = (event) => {
    event.stopImmediatePropagation();
    event.preventDefault();
  };
  addEventListener("touchstart", (event) => {
    if (event.touches.length < 2) return;
    keep(event);
    if (event.touches.length === 2) begin(event.touches);
  }, { capture: true, passive: false });
  addEventListener("touchmove", (event) => {
    if (!pinch) return;
    keep(event);
    if (event.touches.length === 2) move(event.touches);
  }, { capture: true, passive: false });
  for (const name of ["touchend", "touchcancel"]) {
    addEventListener(name, (event) => {
      if (!pinch || event.touches.length) return;
      const { to } = pinch;
      pinch = null;
      setTimeout(() => set(to));
    }, { capture: true });
  }
  return { by, whole };
})();
