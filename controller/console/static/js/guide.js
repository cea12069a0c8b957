// The whole way of a treatment: every step with what it does, what it waits for and what the person does; the facts.
import { el, write } from "./dom.js";
import { setUpButton } from "./acts.js";
import { clock, fine, glance, label, minus, named, withUnit } from "./format.js";
import { loadFacts } from "./setup.js";
import { PHASES, drugLine, words } from "./step.js";
import { now, onChange } from "./store.js";

const ABOUT = {
  STANDBY: ["Everything off.", "Set up treatment and patient, test the sound, start."],
  SELF_TEST: ["Checks probes, zero flow, heater off, protective channel.", "Wait."],
  PRIME: ["Circulates in the bypass to fill and de-air the circuit.", "Look for air; confirm."],
  PREHEAT: ["Heats the perfusate in the bypass.", "Connect the catheters, count, confirm."],
  FILL: ["Fills the cavity with the drain clamped and counts the volume.", "Watch the cavity pressure."],
  WARM_UP: ["Warms the cavity to target. No drug yet.", "At temperature: give the drug, enter lot and name."],
  PERFUSE: ["Holds the target; the treatment clock runs.", "Agitate; give further doses when due."],
  DRAIN: ["Heat off, the cavity drains; the volume is counted.", "Tilt; watch the reservoir rise."],
  RINSE: ["Fills, dwells and drains the rinse.", "Discard the perfusate, fill in rinse, confirm."],
  COMPLETE: ["Everything off.", "Disconnect; dispose as cytotoxic; read the report."],
};

const TEMPERATURES = ["heater_outlet_c", "inflow_c", "outflow_c", "cavity_1_c", "cavity_2_c", "cavity_3_c", "core_c", "source_c"];

const rows = (pairs) => el("table", {}, el("tbody", {}, ...pairs.map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", { class: "n" }, value)))));

export function guide(place) {
  const items = PHASES.map((phase) => {
    const mark = el("span", { class: "mark" });
    const node = el("li", {}, mark, el("b", {}, words(phase)), el("span", {}, `${ABOUT[phase][0]} `, el("b", {}, ABOUT[phase][1])));
    return { phase, mark, node };
  });
  const setup = el("section", { class: "panel" });
  const probes = el("section", { class: "panel" });
  const record = recordCard();
  const checks = el("section", { class: "panel" });
  const session = el("section", { class: "panel", id: "session-selftest" });
  const volumes = el("section", { class: "panel grow" });
  place.append(el("div", { class: "guide" }, el("ol", { class: "panel steps", tabindex: 0, "aria-label": "Steps" }, ...items.map((i) => i.node)), el("div", { class: "cards", tabindex: 0, role: "group", "aria-label": "Facts" }, record.node, setup, checks, volumes, probes, session)));
  const button = setUpButton("guide-setup");
  place.addEventListener("shown", loadFacts);
  let drawn = "";
  onChange(() => {
    if (place.hidden) return;
    const s = now.blind ? null : now.state;
    const at = s ? PHASES.indexOf(s.phase) : -1;
    items.forEach((item, index) => {
      item.node.className = index === at ? "here" : "";
      write(item.mark, index < at ? "✓" : index === at ? "▶" : "");
    });
    record.paint(s);
    const key = s ? JSON.stringify([s.checks, s.doses, s.step, s.accounts.length, Math.round(s.values.in_patient_ml ?? -1), Math.floor(s.contact_min * 6), s.target_c, s.flow_lpm, s.runtime.config_sha256, s.agitate_in_s === null ? null : Math.ceil(s.agitate_in_s / 5), Boolean(now.facts), s.step === "standby" ? TEMPERATURES.map((name) => glance(name, s.values[name])) : 0]) : "blind";
    if (key === drawn) return;
    drawn = key;
    setup.replaceChildren(el("div", { class: "titled" }, el("h2", {}, "Set-up"), button), s ? facts(s) : "Not known");
    probes.replaceChildren(el("h2", {}, "Probes: touch one, and see which value moves"), s && now.facts ? probeMap(s) : "Not known");
    checks.replaceChildren(el("h2", {}, "Self-test"), s?.checks.length ? table(s.checks) : "Not run yet: it runs when the treatment starts.");
    session.replaceChildren(el("h2", {}, "Session self-test"), ...(s && now.facts ? sessionTest(now.facts.session_selftest) : ["Not known"]));
    volumes.replaceChildren(el("h2", {}, "Volume and dose"), s ? counts(s) : "Not known");
  });
}

function facts(s) {
  const { body, protocol, limits } = s.runtime;
  return rows([
    ["Treatment", s.treatment_title],
    ["Carrier, technique", `${protocol.carrier}, ${protocol.technique}`],
    ["Patient", `${s.patient}, ${withUnit("height_cm", body.height_cm)}, ${withUnit("weight_kg", body.weight_kg)}, ${withUnit("bsa_m2", body.bsa_m2)}`],
    ["Target, flow", `${withUnit("target_c", s.target_c)}, ${withUnit("flow_lpm_set", s.flow_lpm)}`],
    ["Heat off at inflow / cavity / core", [limits.inflow_trip_c, limits.cavity_trip_c, limits.core_trip_c].map((v) => withUnit("target_c", v)).join(" / ")],
    ["Stop at line / cavity pressure", `${withUnit("line_pressure_mmhg", limits.line_pressure_trip_mmhg)} / ${withUnit("cavity_pressure_mmhg", limits.cavity_pressure_trip_mmhg)}`],
  ]);
}

// The record can be had at any time, and is what a treatment ends with.
function recordCard() {
  const links = [["html", "Report to print"], ["csv", "Samples (CSV)"], ["json", "All of it (JSON)"]].map(([form, text]) => el("a", { class: "press", href: `record.${form}`, download: "", "data-form": form }, text));
  const left = el("p", {});
  const node = el("section", { class: "panel", id: "record" }, el("h2", {}, "Volumes and record"), left, el("div", { class: "downloads" }, ...links));
  const paint = (s) => {
    const over = s?.phase === "COMPLETE";
    node.classList.toggle("over", over);
    const kept = s ? withUnit("in_patient_ml", s.carried_ml) : "";
    write(left, over ? `The treatment is over. ${kept} stay in the patient, by the reservoir's level.` : "Of this run until now; complete when the treatment is over.");
  };
  return { node, paint };
}

function probeMap(s) {
  return rows(TEMPERATURES.filter((name) => now.facts.probes[name]).map((name) => [`${label(name)}: ${now.facts.probes[name]}`, s.values[name] === null ? (s.bad[name] ?? "not known") : withUnit(name, s.values[name])]));
}

// What `hipec selftest`, or the start of `hipec run`, measured; whether it still counts is said by START.
function sessionTest(tested) {
  if (!tested) return ["There is none that can be read."];
  const made = new Date(tested.made_s * 1000).toISOString().slice(0, 16).replace("T", " ");
  const lines = tested.lines.map((line) => (line.name.startsWith("who is ") ? { ...line, name: line.name.replaceAll("_", " ") } : line));
  return [el("p", {}, `${made} UTC on ${tested.host}`), table(lines)];
}

function table(checks) {
  return el("table", {}, el("thead", {}, el("tr", {}, ...["", "Check", "Measured", "Allowed"].map((t) => el("th", { scope: "col" }, t)))),
    el("tbody", {}, ...checks.map((c) => el("tr", {}, el("td", {}, c.passed ? "✓" : "✗"), el("td", {}, named(c.name)), el("td", {}, minus(c.measured)), el("td", {}, minus(c.allowed))))));
}

const reckoned = (a) => `${withUnit("in_patient_ml", a.filled_ml)} in, ${withUnit("in_patient_ml", a.drained_ml)} drained, ${withUnit("in_patient_ml", a.left_ml)} left`;

function counts(s) {
  const doses = s.dose_plan.map((d, index) => [`Dose ${index + 1} at ${fine("minutes", d.at_min)} min`, `${withUnit("dose_mg", d.mg)}, ${index < s.doses ? "given" : index === s.doses ? "next" : "later"}`]);
  return rows([
    ["Planned fill", withUnit("fill_ml", s.fill_ml)],
    ...s.accounts.map((a, index) => [index ? "Rinse" : "Perfusate", reckoned(a)]),
    [label("in_patient_ml"), withUnit("in_patient_ml", s.values.in_patient_ml)],
    [label("reservoir_ml"), withUnit("reservoir_ml", s.values.reservoir_ml)],
    ["Contact", `${clock(s.contact_min)} of ${withUnit("minutes", s.duration_min)}`],
    ...(s.agitate_in_s === null ? [] : [["Agitate", s.agitate_in_s > 0 ? `in ${clock(s.agitate_in_s / 60)}` : "now: shake and turn the abdomen"]]),
    ...doses,
    ["", drugLine(s)],
  ]);
}
