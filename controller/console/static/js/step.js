// The right side of the main screen: phase, what the machine does, what it waits for, what the person should do; clocks.
import { el, show, write } from "./dom.js";
import { clock, glance, named, unit, withUnit } from "./format.js";
import { selfTest } from "./selftest.js";
import { now, onChange } from "./store.js";

export const PHASES = ["STANDBY", "SELF_TEST", "PRIME", "PREHEAT", "FILL", "WARM_UP", "PERFUSE", "DRAIN", "RINSE", "COMPLETE"];
export const words = (phase) => (phase ?? "").replace("_", " ");

// The one thing that a person can do next, or null.
export function nextAct(state) {
  if (!state || state.failed) return null;
  if (state.trips.length) return "reset";
  if (state.hold) return "resume";
  if (state.step === "standby") return state.asks || "start"; // what a run before has left in the patient is confirmed first
  if (state.short_ml > 0) return "confirm"; // more than it should is left behind: only a person goes on
  if (state.asks && !state.gate) return state.asks;
  if (state.step === "perfuse" && state.next_dose_min !== null && state.contact_min >= state.next_dose_min - 2) return "dose";
  return null;
}

function person(s) {
  if (s.trips.length) return "Remove the cause, then reset.";
  if (s.hold) return "Resume when ready. Until then nothing heats.";
  if (s.short_ml > 0) return "Free the drain. If no more comes, confirm.";
  return s.person;
}

const BY_HAND = ["standby", "complete"]; // what their gates wait for is no matter of the machine

function waitsFor(s) {
  if (s.hold) return s.hold;
  if (s.gate && !BY_HAND.includes(s.step)) return named(s.gate);
  return s.asks || s.step === "standby" ? "for you" : "for nothing";
}

export function stepCard(...buttons) {
  const name = el("strong", { id: "phase" });
  const next = el("span", {});
  const path = el("div", { class: "path", "aria-hidden": "true" }, ...PHASES.map(() => el("i", {})));
  const [doing, waits, you] = [el("dd", {}), el("dd", { class: "waits", tabindex: 0 }), el("dd", { class: "you" })];
  const states = ["heat", "pump", "inflow", "drain"].map(() => el("li", {}));
  const node = el("section", { class: "panel step", "aria-label": "Step" }, el("div", { class: "phase" }, name, next), path,
    el("dl", { class: "say" }, el("dt", {}, "Now"), doing, el("dt", {}, "Waits"), waits, el("dt", {}, "You"), you),
    el("ul", { class: "states" }, ...states), el("div", { class: "next" }, ...buttons));
  onChange(() => {
    const s = now.blind ? null : now.state;
    const held = s && (s.trips.length ? "TRIPPED" : s.hold ? "HELD" : "");
    write(name, s ? (held ? `${held} · ${words(s.phase)}` : words(s.phase)) : "– –");
    write(next, s && !held && s.next && s.next !== s.step ? `then ${s.next.replace("_", " ")}` : "");
    const at = s ? PHASES.indexOf(s.phase) : -1;
    [...path.children].forEach((mark, index) => (mark.className = index < at ? "done" : index === at ? "here" : ""));
    write(doing, s ? (held ? "Heat off." : s.flow_waits || s.doing) : "");
    const tested = s && selfTest(s);
    write(waits, s ? (tested?.waits ?? waitsFor(s)) : "");
    write(you, s ? (tested?.person ?? person(s)) : "");
    const on = s ? [s.heat_on, s.pump_lpm > 0, s.inflow_open, !s.outflow_closed] : [];
    const texts = s ? [`Heat ${s.heat_on ? "ON" : "off"}`, `Pump ${s.pump_lpm > 0 ? "ON" : "off"}`, s.inflow_open ? "To patient" : "Bypass", s.outflow_closed ? "Drain shut" : "Drain open"] : [];
    states.forEach((item, index) => {
      write(item, texts[index] ?? "");
      item.className = on[index] ? "on" : "";
      show(item, Boolean(s));
    });
  });
  return node;
}

const above = (celsius) => `≥ ${withUnit("target_c", celsius).replace(".0 ", " ")}`;

export function clockCard() {
  const entries = [
    ["contact", "Treatment", (s) => clock(s.contact_min), "major"],
    ["left", "Remaining", (s) => clock(s.duration_min - s.contact_min), "major"],
    ["step", "In this step", (s) => clock(s.in_step_s / 60), ""],
    ["min_41", () => above(41), (s) => [glance("min_41", s.dose.min_41), unit("min_41")], ""],
    ["min_42", () => above(42), (s) => [glance("min_42", s.dose.min_42), unit("min_42")], ""],
    ["cem43", "CEM43", (s) => [glance("cem43_min", s.dose.cem43_min), unit("cem43_min")], ""],
  ].map(([id, title, of, kind]) => {
    const dd = el("dd", { "data-clock": id });
    const dt = el("dt", {}, typeof title === "string" ? title : "");
    return { dd, of, name: () => typeof title === "string" || write(dt, title()), node: el("div", { class: kind }, dt, dd) };
  });
  const drug = el("p", { class: "drug" });
  const node = el("section", { class: "panel", "aria-label": "Clocks" }, el("dl", { class: "clock" }, ...entries.map((e) => e.node)), drug);
  onChange(() => {
    for (const { dd, of, name } of entries) {
      name();
      const [text, small] = [now.blind ? "– –" : of(now.state)].flat();
      const key = `${text}|${small ?? ""}`;
      if (dd.dataset.key !== key) {
        dd.dataset.key = key;
        dd.replaceChildren(text, ...(small ? [el("small", {}, small)] : []));
      }
    }
    write(drug, now.blind ? "" : drugLine(now.state));
  });
  return node;
}

export function drugLine(s) {
  if (!s.dose_plan.length) return "No drug in this treatment";
  const next = s.dose_plan[s.doses];
  if (!next) return `${s.dose_plan[0].drug}: all ${s.dose_plan.length} doses given`;
  const when = s.doses === 0 ? "at temperature" : `at ${glance("minutes", next.at_min)} min`;
  return `Next: ${next.drug} ${withUnit("dose_mg", next.mg)} ${when} (${s.doses + 1}/${s.dose_plan.length})`;
}
