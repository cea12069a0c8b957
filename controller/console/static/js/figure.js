// A trend as a figure that plotly draws: lines with gaps where nothing is known, the band, marks where something happened.
import { converted, label, unit } from "./format.js";
import { marks } from "./marks.js";
import { limit } from "./store.js";

const GROUPS = [
  { title: "Temperature", names: ["cavity_mean_c", "inflow_c", "outflow_c", "core_c"], share: 0.46 },
  { title: "Flow", names: ["flow_lpm", "flow_target_lpm"], share: 0.135 },
  { title: "Pressure", names: ["line_pressure_mmhg", "cavity_pressure_mmhg"], share: 0.135 },
  { title: "Volume", names: ["reservoir_ml", "in_patient_ml"], share: 0.135 },
  { title: "Heater", names: ["heater_power_w"], share: 0.135 },
];
// Colours of lines, never of states: told apart by dash as well, and far from red and yellow.
const LINES = [["#0b4a82", "#93ccff", "solid"], ["#5b3a8e", "#c9aef5", "dash"], ["#2f6b5e", "#8fd6c4", "dot"], ["#4a4f55", "#d4dae0", "dashdot"]];

const dark = () => document.documentElement.dataset.theme === "dark";
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const minutes = (trend) => {
  const zero = trend.at_s[trend.at_s.length - 1] ?? 0;
  return trend.at_s.map((at) => (at - zero) / 60);
};

// What a person has zoomed into stays as long as `view` stays the same.
export const figure = (trend, view) => ({ traces: traces(trend), layout: layout(trend, view) });

// Where nothing is known the server puts rows without values; rows that are only far apart are joined.
function traces(trend) {
  const xs = minutes(trend);
  return GROUPS.flatMap((group, row) => group.names.map((name, index) => ({
    type: "scatter", mode: "lines", x: xs, y: (trend.columns[name] ?? []).map((v) => converted(name, v)), yaxis: `y${row ? row + 1 : ""}`, xaxis: "x",
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
  const highPx = document.getElementById("plot").clientHeight - result.margin.t - result.margin.b;
  const { lines, notes } = marks(trend, { domains, highPx, rem, colour: css("--soft"), ground: css("--panel"), family: result.font.family });
  result.shapes.push(...lines);
  result.annotations.push(...notes);
  return result;
}
