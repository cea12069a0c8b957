// Sheets for starts, confirmations and doses: what is about to happen, a checklist, and a button to hold. STOP stays free.
import { byId, el, show } from "./dom.js";
import { command, may, say, signIn } from "./commands.js";
import { fine, glance, withUnit } from "./format.js";
import { holdButton } from "./hold.js";
import { nextAct } from "./step.js";
import { now, onChange } from "./store.js";
import { soundTest } from "./sound.js";

const LISTS = {
  start: ["The treatment and the patient are the right ones", "Circuit mounted, clamps open, no kinks", "Probes placed: inflow, outflow, cavity, core", "I have heard the test sound"],
  prime: ["No air in circuit and exchanger", "No leak at any connector", "Reservoir filled and counted"],
  preheat: ["Catheters connected, inflow and outflow not swapped", "Swabs, instruments and needles counted", "Team told: filling begins"],
  warm_up: ["Cavity evenly warm, probes in place", "Cooling of the patient ready"],
  rinse_ready: ["Drained perfusate disposed of as cytotoxic", "Reservoir filled with rinse"],
};
let openKind = null;
let stillOffered = () => true;

export function closeSheet() {
  openKind = null;
  const sheet = byId("sheet");
  show(sheet, false);
  sheet.replaceChildren();
}

// `offered` says whether what the sheet asks is still to be had. Returns a function that judges its button anew.
export function openSheet(kind, title, parts, act, { wide = false, offered = (state) => nextAct(state) === kind } = {}) {
  openKind = kind;
  stillOffered = offered;
  const ticks = parts.filter((part) => part.tick);
  const { button } = holdButton(act.text, async () => {
    if (!ready()) return;
    const done = act.run;
    closeSheet();
    await done();
  }, { id: "sheet-do", first: true });
  const cancel = el("button", { class: "press", type: "button", id: "sheet-cancel", onclick: closeSheet }, "Cancel");
  const ready = () => (act.free || may()) && ticks.every((part) => part.tick.checked) && (act.ready?.() ?? true);
  const judge = () => (button.disabled = !ready());
  const sheet = byId("sheet");
  sheet.replaceChildren(el("h2", { id: "sheet-title" }, title), ...parts.map((part) => part.node ?? part), el("div", { class: "row2" }, cancel, button));
  sheet.oninput = judge;
  sheet.judge = judge;
  sheet.className = wide ? "sheet wide" : "sheet";
  show(sheet, true);
  judge();
  (sheet.querySelector("input") ?? cancel).focus();
  return judge;
}

export function tick(text) {
  const box = el("input", { type: "checkbox" });
  return { tick: box, node: el("label", { class: "tick" }, box, text) };
}

const checklist = (name) => (LISTS[name] ?? ["I have looked, and it is so"]).map(tick);

const OPEN = {
  start: () => {
    const s = now.state;
    const facts = el("p", {}, `${s.treatment_title}. Patient ${s.patient}, target ${withUnit("target_c", s.target_c)}, flow ${withUnit("flow_lpm_set", s.flow_lpm)}, fill ${withUnit("fill_ml", s.fill_ml)}.`);
    const sound = el("button", { class: "press", type: "button", id: "sound-test", onclick: soundTest }, "Play the test sound");
    const doses = s.dose_plan.length ? `${s.dose_plan[0].drug}: ${s.dose_plan.map((d) => `${withUnit("dose_mg", d.mg)} at ${fine("minutes", d.at_min)} min`).join(", ")}.` : "No drug.";
    const tight = Object.keys(s.tightened ?? {}).length;
    const more = el("p", {}, `${doses} ${tight ? `${tight} alarm limits are tightened: see Limits.` : "Alarm limits are the rig file's."}`);
    openSheet("start", "Start the treatment", [facts, more, sound, ...checklist("start")], {
      text: "Start",
      run: () => command("start", { title: "Start", done: (t) => t.step !== "standby" }),
    });
  },
  confirm: () => {
    if (now.state.short_ml > 0) return goOnShort();
    const step = now.state.step;
    openSheet("confirm", `Confirm: ${now.state.phase.replace("_", " ")}`, [el("p", {}, now.state.person), ...checklist(step)], {
      text: "Confirm",
      run: () => command("confirm", { title: "Confirm", text: "checklist complete", done: (t) => t.step !== step }),
    });
  },
  dose: () => {
    const s = now.state;
    const dose = s.dose_plan[s.doses];
    const lot = el("input", { type: "text", maxlength: 60, id: "lot", autocomplete: "off" });
    const who = el("input", { type: "text", maxlength: 60, id: "who", autocomplete: "off" });
    const parts = [el("p", {}, `${dose.drug}, dose ${s.doses + 1} of ${s.dose_plan.length}`), el("p", { class: "amount" }, withUnit("dose_mg", dose.mg)), el("label", {}, "Lot", lot), el("label", {}, "Given by", who), ...(s.step === "warm_up" ? checklist("warm_up") : [])];
    openSheet("dose", "Give the drug", parts, {
      text: "Dose given",
      ready: () => lot.value.trim() && who.value.trim(),
      run: () => command("dose", { text: `lot ${lot.value.trim()}, by ${who.value.trim()}`, title: `Dose ${glance("dose_mg", dose.mg)} mg`, done: (t) => t.doses > s.doses }),
    });
  },
  reset: () => {
    openSheet("reset", "Reset the trips", now.state.trips.map((t) => el("p", {}, t.text)).concat(tick("The cause is gone")), {
      text: "Reset",
      run: () => command("reset", { title: "Reset", done: (t) => !t.trips.length }),
    });
  },
  resume: () => {
    openSheet("resume", "Resume", [el("p", {}, `Held: ${now.state.hold}. The pump and the heat come back as the step asks.`), tick("The circuit is in order")], {
      text: "Resume",
      run: () => command("resume", { title: "Resume", done: (t) => !t.hold }),
    });
  },
  drain: () => {
    const to = now.state.drains_to;
    openSheet("drain", "End now and drain", [el("p", {}, "Perfusion or rinse ends, the heat goes off, the cavity drains."), tick("The team wants to end now")], {
      text: "Drain",
      run: () => command("drain", { title: "Drain", done: (t) => t.step === to }),
    }, { offered: (t) => t.drains_to === to });
  },
};

// The drain has come to rest and left more in the patient than it should.
function goOnShort() {
  const { step, short_ml: left } = now.state;
  openSheet("confirm", `${withUnit("in_patient_ml", left)} still in the patient`, [el("p", {}, "Free the drain: it then goes on by itself. Confirm only to go on with what is left in the patient."), tick("The drain is free, and no more comes")], {
    text: "Go on",
    run: () => command("confirm", { title: "Go on", text: "short drain accepted", done: (t) => t.step !== step || !t.short_ml }),
  }, { offered: (t) => t.step === step && t.short_ml > 0 && nextAct(t) === "confirm" });
}

export function openFor(kind) {
  if (!now.blind) OPEN[kind]?.();
}

export function signInSheet() {
  const role = el("select", { id: "role" }, el("option", { value: "operator" }, "Operator"), el("option", { value: "engineer" }, "Engineer"), el("option", { value: "viewer" }, "Viewer"));
  role.value = now.session.role;
  const pin = el("input", { type: "password", inputmode: "numeric", maxlength: 12, id: "pin", autocomplete: "off" });
  const pad = el("div", { class: "keys" }, ...["1", "2", "3", "4", "5", "6", "7", "8", "9", "⌫", "0"].map((key) => el("button", { class: "press", type: "button", onclick: () => (pin.value = key === "⌫" ? pin.value.slice(0, -1) : pin.value + key) }, key)));
  const asks = now.session.pins ? [el("label", {}, "PIN", pin), pad] : [el("p", {}, "No PINs are set: whoever stands at this machine is its operator.")];
  openSheet("role", "Who is at the console", [el("label", {}, "Role", role), ...asks], {
    text: "Take the role",
    free: true,
    run: async () => say((await signIn(role.value, pin.value)) || `Role: ${role.value}`),
  }, { offered: () => true });
}

onChange(() => {
  if (!openKind) return;
  // What is no longer offered is no longer asked: the sheet goes with it.
  if (!now.blind && !stillOffered(now.state)) closeSheet();
  else byId("sheet").judge?.();
});
