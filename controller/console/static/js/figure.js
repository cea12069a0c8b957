// A trend as a figure that plotly draws: lines with gaps where nothing is known, the band, marks where something happened.
import { converted, label, unit } from "./format.js";
import { entries } from "./log.js";
import { words } from "./step.js";
import { limit } from "./store.js";

const GROUPS = [
  { title: "Temperature", names: ["cavity_mean_c", "inflow_c", "outflow_c", "core_c"], share: 0.42 },
  { title: "Flow", names: ["flow_lpm", "flow_target_lpm"], share: 0.145 },
  { title: "Pressure", names: ["line_pressure_mmhg", "cavity_pressure_mmhg"], share: 0.145 },
  { title: "Volume", names: ["reservoir_ml", "in_patient_ml"], share: 0.145 },
  { title: "Heater", names: ["heater_power_w"], share: 0.145 },
];
// Colours of lines, never of states: told apart by dash as well, and far from red and yellow.
const LINES = [["#0b4a82", "#93ccff", "solid"], ["#5b3a8e", "#c9aef5", "dash"], ["#2f6b5e", "#8fd6c4", "dot"], ["#4a4f55", "#d4dae0", "dashdot"]];
const GAP_S = 30;
const MARKED = ["phase", "dose", "trip"];
const MARKS_MAX = 60;
const NAMES_LONG = 30;
const NEAR = 0.016; // of what is shown

const dark = () => document.documentElement.dataset.theme === "dark";
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const minutes = (trend) => {
  const zero = trend.at_s[trend.at_s.length - 1] ?? 0;
  return trend.at_s.map((at) => (at - zero) / 60);
};

// What a person has zoomed into stays as long as `view` stays the same.
export const figure = (trend, view) => ({ traces: traces(trend), layout: layout(trend, view) });

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

function layout(trend, view) {
  const ink = css("--ink");
  const line = css("--line");
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const title = { size: 0.85 * rem, color: css("--soft") };
  const result = {
    paper_bgcolor: css("--panel"), plot_bgcolor: css("--panel"), font: { color: ink, size: 0.85 * rem, family: getComputedStyle(document.body).fontFamily },
    margin: { l: 4 * rem, r: rem, t: 0.2 * rem, b: 2.6 * rem }, hovermode: "x unified", dragmode: "pan", uirevision: view,
    xaxis: { title: { text: "minutes before now", standoff: 4, font: title }, gridcolor: line, zeroline: false, anchor: "free", position: 0 },
    shapes: [], annotations: [], hoverlabel: { bgcolor: css("--panel"), font: { color: ink } },
  };
  const whole = GROUPS.reduce((sum, group) => sum + group.share, 0);
  const gap = 0.062;
  const room = 1 - gap * GROUPS.length;
  let top = 1 - gap;
  const domains = [];
  GROUPS.forEach((group, row) => {
    const height = (group.share / whole) * room;
    const suffix = row ? row + 1 : "";
    result[`yaxis${suffix}`] = { domain: [Math.max(0, top - height), top], gridcolor: line, zeroline: false, title: { text: unit(group.names[0]), standoff: 2, font: title }, nticks: row ? 3 : 8, rangemode: row ? "tozero" : "normal", fixedrange: true };
    result[`legend${suffix}`] = { orientation: "h", x: 0.005, xanchor: "left", y: top, yanchor: "bottom", bgcolor: "rgba(0,0,0,0)" };
    domains.push([Math.max(0, top - height), top]);
    top -= height + gap;
  });
  if (limit("ready_c") !== null) {
    result.shapes.push({ type: "rect", xref: "paper", x0: 0, x1: 1, yref: "y", y0: converted("cavity_mean_c", limit("ready_c")), y1: converted("cavity_mean_c", limit("cavity_warn_c")), fillcolor: css("--band"), opacity: 0.55, line: { width: 0 }, layer: "below" });
  }
  const { lines, names } = marks(trend, rem, domains);
  result.shapes.push(...lines);
  result.annotations.push(...names);
  return result;
}

// Onsets of alarms that ask for somebody soon; their ends, and reminders, would only be more lines.
const isOnset = (entry) => entry.kind === "alarm" && ["HIGH", "MEDIUM"].includes(entry.priority) && !entry.text.endsWith(": acknowledged");

// A line for each thing that happened. Names that would stand on one another share a place.
function marks(trend, rem, domains) {
  const from = trend.at_s[0] ?? 0;
  const zero = trend.at_s[trend.at_s.length - 1] ?? 0;
  const near = (NEAR * (zero - from)) / 60;
  const lines = [];
  const names = [];
  for (const entry of entries.filter((e) => e.at_s >= from && (MARKED.includes(e.kind) || isOnset(e))).slice(-MARKS_MAX)) {
    const x = (entry.at_s - zero) / 60;
    const path = domains.map(([low, high]) => `M${x},${low}L${x},${high}`).join(""); // not across the names of the lines
    lines.push({ type: "path", path, xref: "x", yref: "paper", line: { color: css("--soft"), width: 1, dash: entry.kind === "phase" ? "dot" : "solid" } });
    const text = words(entry.text.split(":")[0]);
    const last = names[names.length - 1];
    if (last && x - last.x < near) last.text += last.text.length < NAMES_LONG ? `, ${text}` : last.text.endsWith("…") ? "" : ", …";
    else names.push({ x, yref: "paper", y: 0.9, text, textangle: -90, showarrow: false, xanchor: "right", yanchor: "top", bgcolor: `${css("--panel")}99`, borderpad: 1, font: { size: 0.72 * rem, color: css("--soft") } });
  }
  return { lines, names };
}
