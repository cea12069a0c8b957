// Marks of a trend: a line for each thing that happened, and its name in the uppermost plot, where it covers no legend.
import { entries } from "./log.js";
import { words } from "./step.js";

const MARKED = ["phase", "dose", "trip"];
const MARKS_MAX = 60;
const NEAR = 0.016; // of what is shown: nearer names would stand on one another, and share a place
const SAME_S = 1; // a trip and its own alarm are one thing
const LETTERS_REM = 0.72;
const pen = document.createElement("canvas").getContext("2d");

// Onsets of alarms that ask for somebody soon; their ends, and reminders, would only be more lines.
const isOnset = (entry) => entry.kind === "alarm" && ["HIGH", "MEDIUM"].includes(entry.priority) && !entry.text.endsWith(": acknowledged");
const nameOf = (entry) => words(entry.text.split(":")[0]);

// Each thing once: of a phase in several steps the first, of a trip and its alarm the trip.
function happened() {
  const kept = [];
  let phase = "";
  for (const entry of entries) {
    const name = nameOf(entry);
    if (entry.kind === "phase" && name === phase) continue;
    if (entry.kind === "phase") phase = name;
    if (!MARKED.includes(entry.kind) && !isOnset(entry)) continue;
    if (kept.slice(-8).some((other) => other.name === name && entry.at_s - other.at_s < SAME_S)) continue;
    kept.push({ name, kind: entry.kind, at_s: entry.at_s });
  }
  return kept;
}

// As many names as there is room for, the first at least in part, and how many more.
function joined(names, room) {
  const fits = (text) => pen.measureText(text).width <= room;
  const rest = (count) => (count ? ` +${count}` : "");
  for (let shown = names.length; shown > 0; shown -= 1) {
    const text = names.slice(0, shown).join(", ") + rest(names.length - shown);
    if (fits(text)) return text;
  }
  const more = rest(names.length - 1);
  let length = names[0].length;
  while (length > 1 && !fits(`${names[0].slice(0, length)}…${more}`)) length -= 1;
  return `${names[0].slice(0, length).trimEnd()}…${more}`;
}

// `domains` are the heights of the plots as shares of the whole; `highPx` is how many pixels the whole is.
export function marks(trend, { domains, highPx, rem, colour, ground, family }) {
  const from = trend.at_s[0] ?? 0;
  const zero = trend.at_s[trend.at_s.length - 1] ?? 0;
  const span = (zero - from) / 60;
  const top = domains[0][1];
  const size = LETTERS_REM * rem;
  pen.font = `${size}px ${family}`;
  const room = (top - domains[0][0]) * highPx - 0.8 * size;
  const lines = [];
  const places = [];
  for (const { name, kind, at_s: at } of happened().filter((each) => each.at_s >= from).slice(-MARKS_MAX)) {
    const x = (at - zero) / 60;
    const path = domains.map(([low, high]) => `M${x},${low}L${x},${high}`).join(""); // not across the names of the lines
    lines.push({ type: "path", path, xref: "x", yref: "paper", line: { color: colour, width: 1, dash: kind === "phase" ? "dot" : "solid" } });
    const last = places[places.length - 1];
    if (last && x - last.x < NEAR * span * (last.right ? 2 : 1)) last.names.add(name);
    else places.push({ x, names: new Set([name]), right: x < NEAR * span - span }); // left of it stand the numbers of the axis
  }
  const notes = places.map(({ x, names, right }) => ({
    x, yref: "paper", y: top, text: joined([...names], room), textangle: -90, showarrow: false,
    xanchor: right ? "left" : "right", yanchor: "top", bgcolor: `${ground}99`, borderpad: 1, font: { size, color: colour },
  }));
  return { lines, notes };
}
