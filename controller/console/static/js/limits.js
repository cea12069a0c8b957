// Alarm and trip limits, each with its delay and priority as the tables have them; a limit is tightened in two steps.
import { command, may } from "./commands.js";
import { el, show, write } from "./dom.js";
import { glance, label, withUnit } from "./format.js";
import { loadFacts } from "./setup.js";
import { openSheet, tick } from "./sheet.js";
import { now, onChange } from "./store.js";

const RESPONSES = { R0: "alarm", R1: "heat off", R2: "heat and inflow off, drain open", R3: "heat and pumps off, clamped", R4: "contactor open" };
const IDLE_MS = 60000; // what is not proposed within it is forgotten
const STEPS = { "°C": 0.1, mmHg: 1 };

const adjustable = (name) => now.state?.limits?.find((each) => each.name === name) ?? null;
const configured = (name) => now.state.runtime.limits[name] ?? now.state.runtime.protocol[name];
let proposed = null; // the limit that this page has proposed and not yet seen to wait

export function limits(place) {
  const body = el("tbody", {});
  const waits = el("button", { class: "press first", type: "button", id: "limit-waits", hidden: true, onclick: confirmSheet });
  const note = el("p", { class: "label" }, "A limit can only be made tighter than the rig file's, and is so until the next set-up. Trip levels do not move. Delay: from the condition to light and sound.");
  const head = ["Value", "#Now", "#Limit", "Change", "#Allowed", "Priority", "#Delay", "What happens"].map((text) => el("th", { scope: "col", class: text[0] === "#" ? "n" : "" }, text.replace("#", "")));
  place.append(el("div", { class: "log" }, el("div", { class: "pick" }, note, waits), el("div", { class: "panel list", tabindex: 0, role: "region", "aria-label": "Limits" }, el("table", { class: "limits" }, el("thead", {}, el("tr", {}, ...head)), body))));
  const drafts = new Map();
  let painters = [];
  const build = (facts) => {
    painters = facts.limits.map((line) => row(line, drafts));
    body.replaceChildren(...painters.map((each) => each.node));
    paint();
  };
  const paint = () => {
    if (place.hidden) return;
    painters.forEach((each) => each.paint());
    const pending = now.blind ? null : now.state.limit_waits;
    show(waits, Boolean(pending));
    if (pending) write(waits, `Confirm ${pending.text} … (${Math.ceil(pending.left_s)} s)`);
    if (pending && pending.name === proposed) {
      proposed = null;
      confirmSheet();
    }
    waits.disabled = !may();
  };
  place.addEventListener("shown", async () => {
    const facts = await loadFacts();
    if (facts && !painters.length) build(facts);
    paint();
  });
  onChange(paint);
}

function row(line, drafts) {
  const [value, level, range] = [el("td", { class: "n" }), el("td", { class: "n level", "data-limit": line.limit }), el("td", { class: "n" })];
  const set = el("button", { class: "press", type: "button", id: `tighten-${line.limit}`, hidden: true }, "Propose");
  const move = (by) => () => {
    const known = adjustable(line.limit);
    if (!known) return;
    const next = (drafts.get(line.limit)?.value ?? known.value) + by * STEPS[known.unit];
    const value = Math.round(Math.min(known.high, Math.max(known.low, next)) * 1000) / 1000;
    drafts.set(line.limit, { value, touchedMs: performance.now() });
    paint();
  };
  const less = el("button", { class: "press", type: "button", "aria-label": `${line.title}: less`, onclick: move(-1) }, "−");
  const more = el("button", { class: "press", type: "button", "aria-label": `${line.title}: more`, onclick: move(1) }, "+");
  set.addEventListener("click", async () => {
    const wanted = drafts.get(line.limit)?.value;
    drafts.delete(line.limit);
    proposed = line.limit;
    if (await command("limit", { value: wanted, text: line.limit, title: `Propose ${line.title}`, done: (s) => s.limit_waits?.name === line.limit })) proposed = null;
  });
  const change = el("td", { class: "change" }, ...(line.adjustable ? [less, more, set] : []));
  const node = el("tr", {}, el("td", {}, label(line.signal)), value, level, change, range,
    el("td", {}, el("span", { class: "chip" }, line.priority)), el("td", { class: "n" }, `${line.delay_s.toFixed(1)} s`), el("td", {}, `${line.title}: ${RESPONSES[line.response]}`));
  const paint = () => {
    const number = (v) => glance(line.signal, v);
    if (now.blind || performance.now() - drafts.get(line.limit)?.touchedMs > IDLE_MS) drafts.delete(line.limit);
    write(value, now.blind ? "– –" : withUnit(line.signal, now.state.values[line.signal]));
    const known = now.blind ? null : adjustable(line.limit);
    const held = now.blind ? null : (known?.value ?? configured(line.limit));
    const tighter = Boolean(known) && known.value !== known.configured;
    const draft = drafts.get(line.limit)?.value;
    const side = line.below ? "▽" : "△";
    write(level, draft !== undefined ? `${side} ${number(held)} → ${number(draft)}` : `${side} ${number(held)}${tighter ? ` * (${number(known.configured)})` : ""}`);
    level.classList.toggle("tight", tighter || draft !== undefined);
    write(range, known ? `${number(known.low)} to ${number(known.high)}` : "fixed");
    show(set, draft !== undefined && draft !== known?.value);
    less.disabled = more.disabled = set.disabled = !may();
  };
  return { node, paint };
}

function confirmSheet() {
  const change = now.state.limit_waits;
  if (!change) return;
  const known = adjustable(change.name);
  openSheet("Confirm the limit", [el("p", { class: "amount" }, change.text), el("p", {}, `Allowed: ${known.low} to ${known.high} ${known.unit}; in the rig file ${known.configured} ${known.unit}. Proposed by ${change.who}.`), tick("The team knows of it")], {
    text: "Confirm",
    run: () => command("limit_confirm", { title: change.text, done: (s) => Math.abs(s.limits.find((l) => l.name === change.name).value - change.new) < 1e-6 }),
  }, { bound: { to: (s) => s.limit_waits?.asked_s ?? null, changed: "another change waits" } });
}
