// The bar beside a value: band, limits and where the value stands.
import { svg } from "./dom.js";
import { limit } from "./store.js";

const WIDTH = 1000;

export function scaleBar(scale) {
  const node = svg("svg", { class: "scale", viewBox: `0 0 ${WIDTH} 40`, preserveAspectRatio: "none", "aria-hidden": "true" });
  const place = (value) => Math.min(1, Math.max(0, (value - scale.low) / (scale.high - scale.low))) * WIDTH;
  node.append(svg("rect", { class: "rail", x: 0, y: 12, width: WIDTH, height: 16, rx: 4 }));
  const band = svg("rect", { class: "band", x: 0, y: 8, width: 0, height: 24 });
  const marks = svg("g", {});
  const pointer = svg("rect", { class: "now", y: 0, width: 9, height: 40, rx: 3, visibility: "hidden" });
  node.append(band, marks, pointer);
  let drawn = "";

  function paint(value) {
    const key = JSON.stringify([...scale.alarms, ...scale.trips, scale.below, "ready_c", "cavity_warn_c"].map(limit));
    if (key !== drawn) {
      drawn = key;
      marks.replaceChildren();
      const draw = (name, kind) => {
        const at = limit(name);
        if (at !== null) marks.append(svg("line", { class: kind, x1: place(at), x2: place(at), y1: 4, y2: 36 }));
      };
      scale.alarms.forEach((name) => draw(name, "limit"));
      scale.trips.forEach((name) => draw(name, "trip"));
      if (scale.below) draw(scale.below, "limit");
      if (scale.banded && limit("ready_c") !== null) {
        band.setAttribute("x", place(limit("ready_c")));
        band.setAttribute("width", place(limit("cavity_warn_c")) - place(limit("ready_c")));
      }
    }
    pointer.setAttribute("visibility", value === null ? "hidden" : "visible");
    if (value !== null) pointer.setAttribute("x", place(value) - 4.5);
  }
  return { node, paint };
}
