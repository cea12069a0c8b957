// Every active alarm with its priority, full text, what to do and its state; opened from the alarm line, over the view.
import { standing } from "./alarm_words.js";
import { isOnTop, lay, lift } from "./covers.js";
import { byId, el, show, write } from "./dom.js";
import { clock } from "./format.js";
import { now } from "./store.js";

export function alarmList({ openLog }) {
  const node = byId("alarm-list");
  const title = el("h2", { id: "alarm-list-title" });
  const close = () => {
    lift(node);
    show(node, false);
  };
  const past = el("button", { class: "press", type: "button", id: "alarm-list-log", onclick: () => { close(); openLog(); } }, "Past alarms: log");
  const shut = el("button", { class: "press", type: "button", id: "alarm-list-close", onclick: close }, "Close");
  const rows = el("ol", { class: "rows", tabindex: 0, "aria-label": "Active alarms, most urgent first" });
  node.append(el("div", { class: "titled" }, title, el("div", { class: "pick" }, past, shut)), rows);
  byId("nav").addEventListener("click", close);
  const lines = [];
  const paint = (list) => {
    if (node.hidden) return;
    write(title, now.blind ? "Alarms not known" : list.length ? `${list.length} active alarm${list.length === 1 ? "" : "s"}` : "No active alarm");
    while (lines.length < list.length) rows.append(lines[lines.push(row()) - 1].node);
    lines.forEach((line, index) => line.paint(list[index] ?? null, list));
  };
  const toggle = () => {
    if (!node.hidden && isOnTop(node)) return close();
    show(node, true);
    lay(node, close); // over an open sheet too, which waits
    paint(now.blind ? [] : now.state.alarms);
    shut.focus();
  };
  return { toggle, paint };
}

function row() {
  const chip = el("span", { class: "chip" });
  const [what, advice, state] = [el("b", {}), el("span", {}), el("span", { class: "state" })];
  const node = el("li", {}, chip, el("div", {}, what, advice, state));
  const paint = (alarm, list) => {
    show(node, alarm !== null);
    if (!alarm) return;
    const name = `chip ${alarm.priority}`;
    if (chip.className !== name) chip.className = name;
    write(chip, alarm.priority);
    write(what, `${alarm.title}: ${alarm.text}`);
    write(advice, alarm.advice);
    write(state, describe(alarm, list));
  };
  return { node, paint };
}

function describe(alarm, list) {
  const cause = list.find((other) => other.id === alarm.because);
  const words = standing(alarm, list);
  if (!alarm.acknowledged && !alarm.because) words.push("not acknowledged");
  if (cause) words.push(`comes with: ${cause.title}`);
  return [...words, `for ${clock((now.state.now_s - alarm.since_s) / 60)}`].join(" · ");
}
