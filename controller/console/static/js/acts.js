// The foot of the page: set-points, what was said, hold and alarm buttons, STOP. And the one next thing to do.
import { byId, el, show, write } from "./dom.js";
import { command, may, mayHold, say, saying, check } from "./commands.js";
import { openFor } from "./dialogs.js";
import { clock } from "./format.js";
import { maySetUp, openSetUp } from "./setup.js";
import { nextAct } from "./step.js";
import { stepper } from "./stepper.js";
import { now, onChange } from "./store.js";

const NEXT = { start: "Start …", confirm: "Confirm …", dose: "Give the drug …", reset: "Reset …", resume: "Resume …" };
const RUNNING = (s) => !["standby", "complete"].includes(s.step);

// A page at another machine is not even offered what nobody may do from there.
const here = () => now.session?.local !== false;

export function nextButton() {
  const button = el("button", { class: "press first", type: "button", id: "next" });
  button.addEventListener("click", () => openFor(nextAct(now.state)));
  onChange(() => {
    const act = now.blind ? null : nextAct(now.state);
    show(button, Boolean(act) && here());
    write(button, NEXT[act] ?? "");
    button.disabled = !may();
  });
  return button;
}

// When the treatment is over: to the record.
export function reportButton(open) {
  const button = el("button", { class: "press first", type: "button", id: "to-report", onclick: open }, "Volumes and report …");
  onChange(() => show(button, !now.blind && now.state.phase === "COMPLETE"));
  return button;
}

export function setUpButton(id) {
  const button = el("button", { class: "press", type: "button", id, onclick: openSetUp }, "Set up …");
  onChange(() => {
    show(button, !now.blind && maySetUp(now.state) && here());
    button.disabled = !may();
  });
  return button;
}

// Closed technique: when the abdomen is to be shaken next, and that it was.
function agitated() {
  const due = el("small", {});
  const enter = () => {
    const before = now.state.agitate_in_s; // what is left only grows when it is counted anew
    return command("agitated", { title: "Agitated", done: (s) => s.agitate_in_s > before });
  };
  const button = el("button", { class: "press", type: "button", id: "agitated", onclick: enter }, "Agitated ", due);
  onChange(() => {
    const left = now.blind ? null : now.state.agitate_in_s;
    show(button, left !== null && left !== undefined);
    if (left === null || left === undefined) return;
    write(due, left > 0 ? `due in ${clock(left / 60)}` : "due now");
    button.classList.toggle("first", left <= 0 && !now.state.hold && !now.state.trips.length); // or it would outshine what is first now
    button.disabled = !may();
  });
  return button;
}

// `allowed` is what the server lets through: from another machine nothing but Hold.
function plain(id, text, { usable, run, allowed = may }) {
  const button = el("button", { class: "press", type: "button", id, onclick: run }, text);
  onChange(() => (button.disabled = !allowed() || !usable(now.state)));
  return button;
}

export function acts(stop) {
  const line = byId("said");
  const buttons = el("div", { class: "buttons" },
    plain("pause", "Audio pause", { usable: (s) => Boolean(s.sounding), run: () => command("audio_pause", { title: "Audio pause", done: (t) => t.audio_paused_s > 0 || !t.sounding }) }),
    plain("acknowledge", "Acknowledge", { usable: (s) => s.alarms.some((a) => !a.acknowledged), run: () => command("acknowledge", { title: "Acknowledge", done: (t) => t.alarms.every((a) => a.acknowledged) }) }),
    plain("hold", "Hold", { allowed: mayHold, usable: (s) => RUNNING(s) && !s.hold, run: () => command("hold", { title: "Hold", done: (t) => Boolean(t.hold) }) }),
    plain("drain", "Drain …", { usable: (s) => Boolean(s.drains_to), run: () => openFor("drain") }),
    agitated());
  byId("acts").append(
    stepper({ act: "target", key: "target_c", field: "target_c", step: 0.1, title: "Target" }),
    stepper({ act: "flow", key: "flow_lpm", field: "flow_lpm_set", step: 0.05, title: "Flow" }),
    buttons, stop);
  onChange(() => {
    check();
    write(line, saying());
  });
  window.addEventListener("unhandledrejection", (event) => say(`The page has failed: ${event.reason}`));
}
