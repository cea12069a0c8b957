// The loop's own measure of its punctuality: how many cycles began how late, both axes logarithmic.
import { el, svg, write } from "./dom.js";

const FROM_MS = 0.1;
const TO_MS = 10000;
const LATE_MS = 200;
const WIDTH = 400;
const HEIGHT = 90;
const BUCKETS = 50;
const x = (ms) => (WIDTH * Math.log10(ms / FROM_MS)) / Math.log10(TO_MS / FROM_MS);

export function latenessCard() {
  const bars = svg("g", { class: "bars" });
  const marks = [1, 10, 100, 1000].map((ms) => svg("line", { x1: x(ms), x2: x(ms), y1: 0, y2: HEIGHT, class: "grid" }));
  const limit = svg("line", { x1: x(LATE_MS), x2: x(LATE_MS), y1: 0, y2: HEIGHT, class: "limit" });
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "histogram", preserveAspectRatio: "none", role: "img", "aria-label": "Histogram of the loop's lateness" });
  picture.append(...marks, bars, limit);
  const words = el("p", {});
  const paint = (lateness) => {
    const counts = lateness?.histogram ?? [];
    const most = Math.log10(1 + Math.max(1, ...counts.map(([, count]) => count)));
    bars.replaceChildren(...counts.map(([edgeMs, count]) => {
      const right = Math.min(WIDTH, Math.max(WIDTH / BUCKETS, x(edgeMs)));
      const high = (HEIGHT * Math.log10(1 + count)) / most;
      return svg("rect", { x: right - WIDTH / BUCKETS + 0.5, width: WIDTH / BUCKETS - 1, y: HEIGHT - high, height: high });
    }));
    write(words, lateness?.cycles === undefined ? "" : `${lateness.cycles} cycles, ${lateness.missed} missed; half within ${lateness.p50_ms} ms, 99 % within ${lateness.p99_ms} ms, longest ${lateness.max_ms} ms. Line: alarm at ${LATE_MS} ms.`);
  };
  const scale = el("div", { class: "axis", "aria-hidden": "true" }, ...["0.1", "1", "10", "100", "1000", "10 000 ms"].map((text) => el("span", {}, text)));
  return { parts: [picture, scale, words], paint };
}
