// Trends: the last ten minutes or the whole treatment, drawn by a frame of its own (plot.js) whose thread is not this one.
import { el } from "./dom.js";
import { figure } from "./figure.js";
import { onChange } from "./store.js";

const AGAIN_MS = { recent: 2000, whole: 10000 };
const LOST_MS = 20000;
const AHEAD_MS = 1500;
const ZOOMS = [["zoom-out", "−", 2, "Longer time"], ["zoom-in", "+", 0.5, "Shorter time"], ["zoom-reset", "All", 0, "All of this span"]];
const SPANS = [["recent", "Last 10 minutes"], ["whole", "Whole treatment"]];

export function trends(place) {
  let span = "recent";
  let view = 0; // goes up whenever the plots are to be shown from the start
  let number = 0;
  let ready = false;
  let busy = false;
  let again = false;
  let askedMs = -Infinity;
  const frame = el("iframe", { class: "panel plot", id: "plot", title: "Plots of temperature, flow, pressure, volumes and heater power", sandbox: "allow-scripts" });
  const buttons = SPANS.map(([id, text]) => {
    const button = el("button", { class: "press", type: "button", "aria-pressed": String(id === span), "data-span": id }, text);
    button.addEventListener("click", () => {
      span = id;
      buttons.forEach((each) => each.setAttribute("aria-pressed", String(each === button)));
      redraw();
    });
    return button;
  });
  const zooms = ZOOMS.map(([id, text, by, about]) => el("button", { class: "press", type: "button", id, "aria-label": about, onclick: () => frame.contentWindow?.postMessage({ kind: "zoom", by }, "*") }, text));
  place.append(el("div", { class: "trends" }, el("div", { class: "pick" }, ...buttons, el("div", { class: "zoom" }, ...zooms)), frame));

  function load() {
    ready = false;
    busy = false;
    askedMs = performance.now();
    frame.src = "plot.html";
  }

  async function draw() {
    if (place.hidden || !ready) return;
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    again = false;
    askedMs = performance.now();
    number += 1;
    const trend = await rows(span);
    if (trend) frame.contentWindow.postMessage({ kind: "figure", number, ...figure(trend, view) }, "*");
    else busy = false;
  }

  function redraw() {
    view += 1;
    draw();
  }

  window.addEventListener("message", ({ source, origin, data }) => {
    if (source !== frame.contentWindow || origin !== "null") return;
    if (data?.kind === "ready") {
      ready = true;
      draw();
    } else if (data?.kind === "drawn" && data.number === number) {
      busy = false;
      frame.dataset.drawn = String(number);
      if (again) draw();
    }
  });
  onChange(() => {
    if (place.hidden) return;
    const waitedMs = performance.now() - askedMs;
    if (!busy && ready && waitedMs > AGAIN_MS[span]) draw();
    else if (waitedMs > LOST_MS) load();
  });
  place.addEventListener("shown", redraw);
  window.addEventListener("resize", draw); // letters and margins follow the page's
  setTimeout(() => frame.src || load(), AHEAD_MS); // ahead of need, but not before the first values
  return { redraw };
}

async function rows(span) {
  try {
    const answer = await fetch(`trend?span=${span}`);
    return answer.ok ? await answer.json() : null;
  } catch {
    return null; // the next change asks again
  }
}
