// A set-point in two steps: change it by fixed steps, see old and new with the limits, then set it. Idle edits vanish.
import { el, show, write } from "./dom.js";
import { command, may } from "./commands.js";
import { glance, unit } from "./format.js";
import { now, onChange } from "./store.js";

const IDLE_MS = 60000;

export function stepper({ act, key, field, step, title }) {
  let draft = null;
  let touchedMs = 0;
  const value = el("b", {});
  const limits = el("small", {});
  const set = el("button", { class: "press first", type: "button", id: `${act}-set` }, "Set");
  const cancel = el("button", { class: "press", type: "button", id: `${act}-cancel` }, "Cancel");
  const pair = el("div", { class: "pair", hidden: true }, set, cancel);
  const label = el("span", { class: "label" }, title);
  const less = el("button", { class: "press", type: "button", id: `${act}-less`, "aria-label": `${title}: less` }, "−");
  const more = el("button", { class: "press", type: "button", id: `${act}-more`, "aria-label": `${title}: more` }, "+");
  const box = el("div", { class: "set", "aria-live": "polite" }, label, value, limits, pair);
  const node = el("div", { class: "stepper", role: "group", "aria-label": title }, less, box, more);

  const range = () => now.state?.runtime?.allowed?.[key] ?? null;
  const move = (by) => {
    const [low, high] = range() ?? [null, null];
    const from = draft ?? now.state?.[key];
    if (low === null || from === undefined) return;
    draft = Math.round(Math.min(high, Math.max(low, from + by)) * 1000) / 1000;
    touchedMs = performance.now();
    paint();
  };
  less.addEventListener("click", () => move(-step));
  more.addEventListener("click", () => move(step));
  cancel.addEventListener("click", () => {
    draft = null;
    paint();
  });
  set.addEventListener("click", async () => {
    const wanted = draft;
    draft = null;
    await command(act, { value: wanted, title: `${title} ${glance(field, wanted)} ${unit(field)}`, done: (s) => Math.abs(s[key] - wanted) < 1e-6 });
    paint();
  });
  function paint() {
    if (draft !== null && (performance.now() - touchedMs > IDLE_MS || now.blind)) draft = null;
    const current = now.blind ? null : now.state[key];
    const editing = draft !== null;
    write(value, editing ? `${glance(field, current)} → ${glance(field, draft)}` : glance(field, current));
    value.classList.toggle("edit", editing);
    const bounds = range();
    write(limits, bounds && !now.blind ? `${glance(field, bounds[0])} to ${glance(field, bounds[1])} ${unit(field)}` : "");
    show(pair, editing);
    show(label, !editing);
    const allowed = may();
    less.disabled = more.disabled = !allowed;
    set.disabled = !allowed;
  }
  onChange(paint);
  paint();
  return node;
}
