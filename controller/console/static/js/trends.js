// Trends by plotly: the last ten minutes or the whole treatment, gaps where nothing is known, marks where something happened.
import { el } from "./dom.js";
import { converted, label, unit } from "./format.js";
import { entries } from "./log.js";
import { limit, now, onChange } from "./store.js";

const GROUPS = [
  { title: "Temperature", names: ["cavity_mean_c", "inflow_c", "outflow_c", "core_c"], share: 0.46 },
  { title: "Flow", names: ["flow_lpm", "flow_target_lpm"], share: 0.16 },
  { title: "Pressure", names: ["line_pressure_mmhg", "cavity_pressure_mmhg"], share: 0.16 },
  { title: "Heater", names: ["heater_power_w"], share: 0.16 },
];
// Colours of lines, never of states: told apart by dash as well, and far from red and yellow.
const LINES = [["#0b4a82", "#93ccff", "solid"], ["#5b3a8e", "#c9aef5", "dash"], ["#2f6b5e", "#8fd6c4", "dot"], ["#4a4f55", "#d4dae0", "dashdot"]];
const AGAIN_MS = 10000;
const GAP_S = 30;
let plotly = null;

function load() {
  plotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = "vendor/plotly.min.js";
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => reject(new Error("plotly was not served"));
    document.head.append(script);
  });
  return plotly;
}

export function trends(place) {
  let span = "recent";
  let busy = false;
  let drawnMs = -Infinity;
  const plot = el("div", { class: "panel plot", id: "plot" });
  const buttons = [["recent", "Last 10 minutes"], ["whole", "Whole treatment"]].map(([id, text]) => {
    const button = el("button", { class: "press", type: "button", "aria-pressed": String(id === span), "data-span": id }, text);
    button.addEventListener("click", () => {
      span = id;
      buttons.forEach((each) => each.setAttribute("aria-pressed", String(each === button)));
      draw(true);
    });
    return button;
  });
  const note = el("p", { class: "label" }, "");
  place.append(el("div", { class: "trends" }, el("div", { class: "pick" }, ...buttons, note), plot));

  async function draw(anew = false) {
    if (busy || place.hidden) return;
    busy = true;
    drawnMs = performance.now();
    try {
      const [library, answer] = await Promise.all([load(), fetch(`trend?span=${span}`)]);
      if (!answer.ok) return;
      const trend = await answer.json();
      await library.react(plot, traces(trend), layout(trend, anew), { displayModeBar: false, responsive: true, scrollZoom: true, doubleClick: "reset" });
      plot.dataset.rows = String(trend.at_s.length);
    } finally {
      busy = false;
    }
  }
  onChange(() => {
    if (!place.hidden && performance.now() - drawnMs > (span === "whole" ? AGAIN_MS : 2000)) draw();
  });
  place.addEventListener("shown", () => draw(true));
  // Ahead of need: reading four megabytes of script takes long enough to be noticed.
  setTimeout(() => load().catch(() => (plotly = null)), 1500);
  return { redraw: () => draw(true) };
}

const dark = () => document.documentElement.dataset.theme === "dark";
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const minutes = (trend) => {
  const zero = trend.at_s[trend.at_s.length - 1] ?? 0;
  return trend.at_s.map((at) => (at - zero) / 60);
};

// A hole in time is drawn as a hole: a row without values goes between.
function traces(trend) {
  const x = minutes(trend);
  const holes = [];
  trend.at_s.forEach((at, index) => index && at - trend.at_s[index - 1] > GAP_S && holes.push(index));
  const open = (list, fill) => {
    const copy = [...list];
    for (const at of [...holes].reverse()) copy.splice(at, 0, fill(at));
    return copy;
  };
  const xs = open(x, (at) => (x[at] + x[at - 1]) / 2);
  return GROUPS.flatMap((group, row) => group.names.map((name, index) => ({
    type: "scatter", mode: "lines", x: xs, y: open(trend.columns[name] ?? [], () => null).map((v) => converted(name, v)), yaxis: `y${row ? row + 1 : ""}`, xaxis: "x",
    name: label(name), legend: `legend${row ? row + 1 : ""}`, connectgaps: false, hovertemplate: "%{y} %{fullData.meta}", meta: unit(name),
    line: { color: LINES[index][dark() ? 1 : 0], dash: LINES[index][2], width: 2.2, shape: "linear" },
  })));
}

function layout(trend, anew) {
  const ink = css("--ink");
  const line = css("--line");
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const zero = trend.at_s[trend.at_s.length - 1] ?? 0;
  const from = trend.at_s[0] ?? 0;
  const result = {
    paper_bgcolor: css("--panel"), plot_bgcolor: css("--panel"), font: { color: ink, size: 0.85 * rem, family: getComputedStyle(document.body).fontFamily },
    margin: { l: 4 * rem, r: rem, t: 0.2 * rem, b: 2.6 * rem }, hovermode: "x unified", dragmode: "pan", uirevision: anew ? String(performance.now()) : "keep",
    xaxis: { title: { text: "minutes before now", standoff: 4 }, gridcolor: line, zeroline: false, anchor: "free", position: 0 },
    shapes: [], annotations: [], hoverlabel: { bgcolor: css("--panel"), font: { color: ink } },
  };
  const whole = GROUPS.reduce((sum, group) => sum + group.share, 0);
  const gap = 0.075;
  const room = 1 - gap * GROUPS.length;
  let top = 1 - gap;
  GROUPS.forEach((group, row) => {
    const height = (group.share / whole) * room;
    const suffix = row ? row + 1 : "";
    result[`yaxis${suffix}`] = { domain: [Math.max(0, top - height), top], gridcolor: line, zeroline: false, title: { text: unit(group.names[0]), standoff: 2 }, nticks: row ? 3 : 8, fixedrange: true };
    result[`legend${suffix}`] = { orientation: "h", x: 0.005, xanchor: "left", y: top, yanchor: "bottom", bgcolor: "rgba(0,0,0,0)" };
    top -= height + gap;
  });
  if (limit("ready_c") !== null) {
    result.shapes.push({ type: "rect", xref: "paper", x0: 0, x1: 1, yref: "y", y0: converted("cavity_mean_c", limit("ready_c")), y1: converted("cavity_mean_c", limit("cavity_warn_c")), fillcolor: css("--band"), opacity: 0.55, line: { width: 0 }, layer: "below" });
  }
  for (const entry of entries.filter((e) => e.at_s >= from && ["phase", "dose", "trip", "alarm"].includes(e.kind)).slice(-60)) {
    const x = (entry.at_s - zero) / 60;
    result.shapes.push({ type: "line", x0: x, x1: x, yref: "paper", y0: 0, y1: 1, line: { color: css("--soft"), width: 1, dash: entry.kind === "phase" ? "dot" : "solid" } });
    if (entry.kind !== "alarm") result.annotations.push({ x, yref: "paper", y: 0.9, text: entry.text.split(":")[0], textangle: -90, showarrow: false, xanchor: "right", yanchor: "top", font: { size: 0.72 * rem, color: css("--soft") } });
  }
  return result;
}
