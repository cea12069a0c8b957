// Jog by hand: buttons that act only while they are held. Each refresh lives under a second in the controller, so a page,
// a hand or a network that goes away stops the pump; the page never decides that anything may run.
import { el, show, write } from "./dom.js";
import { may, quietly, say, serverNow } from "./commands.js";
import { underHand } from "./hold.js";
import { now, onChange } from "./store.js";

const REFRESH_MS = 200; // of the rig's time, in which a refresh lives: a simulated one may run faster
const LEAST_MS = 20;
const STEPS = { jog_pump: 0.1, jog_heat: { "°C": 1, "of rated power": 0.01 } };

const refreshMs = () => Math.max(LEAST_MS, REFRESH_MS / (now.state?.runtime?.speed ?? 1));
const bounds = (act) => now.state?.runtime?.jog?.[act] ?? null;
const places = (act) => (bounds(act)?.high < 1 ? 2 : 0);
const shown = (act, value) => (value === null || value === undefined ? "off" : `${value.toFixed(act === "jog_pump" ? 2 : places(act))} ${bounds(act)?.unit ?? ""}`);
const stepOf = (act) => (act === "jog_pump" ? STEPS.jog_pump : (STEPS.jog_heat[bounds(act)?.unit] ?? 1));

// One press, from the finger down to the finger up: numbered by the server's clock, so that a later one is higher.
async function follow(press, acts) {
  while (press.held) {
    const beganMs = performance.now();
    for (const { act, value } of acts()) {
      const why = press.held ? await quietly(act, value, String(press.number)) : "";
      if (why && press.held) {
        press.held = false;
        say(`Jog ended: ${why}`);
      }
    }
    await new Promise((done) => setTimeout(done, Math.max(0, refreshMs() - (performance.now() - beganMs))));
  }
  // What is let go of is told at once and not waited for: the refreshes end in any case.
  for (const { act } of acts().reverse()) quietly(act, 0, String(press.number));
}

function heldButton(id, text, acts) {
  const button = el("button", { class: "press", type: "button", id }, el("span", {}, text), el("small", {}, "runs while held"));
  let press = null;
  const down = () => {
    if (button.disabled || press?.held) return;
    press = { number: Math.round(serverNow()), held: true };
    button.classList.add("jogging");
    follow(press, acts).finally(() => button.classList.remove("jogging"));
  };
  const up = () => {
    if (press) press.held = false;
  };
  underHand(button, down, up);
  for (const name of ["blur", "pagehide"]) window.addEventListener(name, up);
  document.addEventListener("visibilitychange", up);
  return { button, up };
}

function chooser(act, title) {
  let value = null;
  const text = el("b", {});
  const move = (by) => {
    const { low, high } = bounds(act) ?? {};
    if (low === undefined) return;
    value = Math.round(Math.min(high, Math.max(low, chosen() + by * stepOf(act))) * 1000) / 1000;
    paint();
  };
  const chosen = () => value ?? bounds(act)?.low ?? 0;
  const less = el("button", { class: "press", type: "button", id: `${act}-less`, "aria-label": `${title}: less`, onclick: () => move(-1) }, "−");
  const more = el("button", { class: "press", type: "button", id: `${act}-more`, "aria-label": `${title}: more`, onclick: () => move(1) }, "+");
  const paint = () => write(text, bounds(act) ? shown(act, chosen()) : "");
  return { node: el("div", { class: "choose" }, el("span", { class: "label" }, title), less, text, more), chosen, paint };
}

export function jogCard() {
  const why = el("p", { class: "under" });
  const runs = el("p", {});
  const pump = chooser("jog_pump", "Pump");
  const heat = chooser("jog_heat", "Heat");
  const pumped = () => [{ act: "jog_pump", value: pump.chosen() }];
  const heated = () => [...pumped(), { act: "jog_heat", value: heat.chosen() }];
  const buttons = [heldButton("jog-pump", "Pump", pumped), heldButton("jog-both", "Pump and heat", heated)];
  onChange(() => {
    const jog = now.blind ? null : now.state.jog;
    const not = !jog ? "no data" : now.session?.role !== "engineer" ? "sign in as engineer" : jog.why_not;
    for (const { button, up } of buttons) {
      button.disabled = Boolean(not) || !may();
      if (button.disabled) up();
    }
    write(why, not ? `Not now: ${not}.` : "In the bypass, inside both permits. Every interlock applies.");
    write(runs, jog ? `Pump ${shown("jog_pump", jog.pump)}, heat ${shown("jog_heat", jog.heat)}` : "");
    show(runs, Boolean(jog) && (jog.pump !== null || jog.heat !== null));
    pump.paint();
    heat.paint();
  });
  return [why, pump.node, heat.node, el("div", { class: "row2" }, ...buttons.map(({ button }) => button)), runs];
}
