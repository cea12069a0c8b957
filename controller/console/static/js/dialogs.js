// What is asked before an act: its facts, its checklist, and what is sent. Each sheet is bound to what it was opened for.
import { el } from "./dom.js";
import { command } from "./commands.js";
import { fine, glance, withUnit } from "./format.js";
import { openSheet, tick } from "./sheet.js";
import { nextAct } from "./step.js";
import { now } from "./store.js";
import { soundTest } from "./sound.js";

const LISTS = {
  start: ["The treatment and the patient are the right ones", "Circuit mounted, clamps open, no kinks", "Probes placed: inflow, outflow, cavity, core", "I have heard the test sound"],
  prime: ["No air in circuit and exchanger", "No leak at any connector", "Reservoir filled and counted"],
  preheat: ["Catheters connected, inflow and outflow not swapped", "Swabs, instruments and needles counted", "Team told: filling begins"],
  warm_up: ["Cavity evenly warm, probes in place", "Cooling of the patient ready"],
  rinse_ready: ["Drained perfusate disposed of as cytotoxic", "Reservoir filled with rinse"],
};
const TEXT_MAX = 400; // of an act, at the controller
const checklist = (name) => (LISTS[name] ?? ["I have looked, and it is so"]).map(tick);
const typed = { of: "", lot: "", who: "" }; // of the dose that is asked for: its sheet may close under the typing hand

// Bound to `about(state)` for as long as the kind of act is the next one.
const nextly = (kind, changed, about) => ({ to: (s) => (nextAct(s) === kind ? String(about(s)) : null), changed });

const OPEN = {
  start: (s) => {
    const facts = el("p", {}, `${s.treatment_title}. Patient ${s.patient}, target ${withUnit("target_c", s.target_c)}, flow ${withUnit("flow_lpm_set", s.flow_lpm)}, fill ${withUnit("fill_ml", s.fill_ml)}.`);
    const sound = el("button", { class: "press", type: "button", id: "sound-test", onclick: soundTest }, "Play the test sound");
    const doses = s.dose_plan.length ? `${s.dose_plan[0].drug}: ${s.dose_plan.map((d) => `${withUnit("dose_mg", d.mg)} at ${fine("minutes", d.at_min)} min`).join(", ")}.` : "No drug.";
    const tight = Object.keys(s.tightened ?? {}).length;
    const more = el("p", {}, `${doses} ${tight ? `${tight} alarm limits are tightened: see Limits.` : "Alarm limits are the rig file's."}`);
    openSheet("Start the treatment", [facts, more, sound, ...checklist("start")], {
      text: "Start",
      run: () => command("start", { title: "Start", done: (t) => t.step !== "standby" }),
    }, { bound: nextly("start", "the set-up has changed", (t) => JSON.stringify([t.runtime.config_sha256, t.target_c, t.flow_lpm, t.tightened])) });
  },
  confirm: (s) => {
    if (s.short_ml > 0) return goOnShort(s);
    if (s.step === "standby") return account(s);
    const { step } = s;
    openSheet(`Confirm: ${s.phase.replace("_", " ")}`, [el("p", {}, s.person), ...checklist(step)], {
      text: "Confirm",
      run: () => command("confirm", { title: "Confirm", text: step, done: (t) => t.step !== step }),
    }, { bound: nextly("confirm", "the step has changed", (t) => [t.step, t.short_ml > 0]) });
  },
  dose: (s) => {
    const dose = s.dose_plan[s.doses];
    const about = (t) => [t.runtime.config_sha256, t.doses];
    const forget = () => Object.assign(typed, { of: String(about(s)), lot: "", who: "" });
    if (typed.of !== String(about(s))) forget();
    const field = (id, key) => el("input", { type: "text", maxlength: 60, id, autocomplete: "off", value: typed[key], oninput: (event) => (typed[key] = event.target.value) });
    const [lot, who] = [field("lot", "lot"), field("who", "who")];
    const parts = [el("p", {}, `${dose.drug}, dose ${s.doses + 1} of ${s.dose_plan.length}`), el("p", { class: "amount" }, withUnit("dose_mg", dose.mg)), ...(s.broken_off?.given ? [el("p", {}, `Given before the restart: ${s.broken_off.given}.`)] : []), el("label", {}, "Lot", lot), el("label", {}, "Given by", who), ...(s.step === "warm_up" ? checklist("warm_up") : [])];
    openSheet("Give the drug", parts, {
      text: "Dose given",
      forget,
      ready: () => lot.value.trim() && who.value.trim(),
      run: () => command("dose", { text: `lot ${lot.value.trim()}, by ${who.value.trim()}`, title: `Dose ${glance("dose_mg", dose.mg)} mg`, done: (t) => t.doses > s.doses }),
    }, { bound: nextly("dose", "a dose has been given", about) });
  },
  reset: ({ trips }) => {
    const names = trips.map((trip) => trip.id).join(",");
    openSheet("Reset the trips", trips.map((t) => el("p", {}, t.text)).concat(tick("The cause is gone")), {
      text: "Reset",
      run: () => command("reset", { title: "Reset", text: names.length > TEXT_MAX ? "" : names, done: (t) => !t.trips.length }),
    }, { bound: nextly("reset", "the trips have changed", (t) => t.trips.map((trip) => [trip.id, trip.at_s])) });
  },
  resume: (s) => {
    openSheet("Resume", [el("p", {}, `Held: ${s.hold}. The pump and the heat come back as the step asks.`), tick("The circuit is in order")], {
      text: "Resume",
      run: () => command("resume", { title: "Resume", done: (t) => !t.hold }),
    }, { bound: nextly("resume", "what is held has changed", (t) => [t.step, t.hold]) });
  },
  drain: ({ drains_to: to }) => {
    openSheet("End now and drain", [el("p", {}, "Perfusion or rinse ends, the heat goes off, the cavity drains."), tick("The team wants to end now")], {
      text: "Drain",
      run: () => command("drain", { title: "Drain", done: (t) => t.step === to }),
    }, { bound: { to: (t) => t.drains_to || null, changed: "the step has changed" } });
  },
};

// A run was broken off, and what it left in the patient is not accounted for.
function account({ step, person, broken_off: before }) {
  const found = `${before.text[0].toUpperCase()}${before.text.slice(1)}.`;
  openSheet("In the patient, not accounted for", [el("p", {}, found), el("p", {}, person), tick("The cavity was let drain and is seen to be empty"), tick("The team knows what was given")], {
    text: "Accounted for",
    run: () => command("confirm", { title: "Accounted for", text: step, done: (t) => !t.asks }),
  }, { bound: nextly("confirm", "it has changed", (t) => [t.step, t.broken_off?.text]) });
}

// The drain has come to rest and left more in the patient than it should.
function goOnShort({ step, short_ml: left }) {
  openSheet(`${withUnit("in_patient_ml", left)} still in the patient`, [el("p", {}, "Free the drain: it then goes on by itself. Confirm only to go on with what is left in the patient."), tick("The drain is free, and no more comes")], {
    text: "Go on",
    run: () => command("confirm", { title: "Go on", text: step, done: (t) => t.step !== step || !t.short_ml }),
  }, { bound: nextly("confirm", "the step has changed", (t) => [t.step, t.short_ml > 0]) });
}

export function openFor(kind) {
  if (!now.blind) OPEN[kind]?.(now.state);
}
