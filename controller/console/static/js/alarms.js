// The alarm line: highest priority first, full text, what to do. The controller decides; the page only shows.
import { byId, el, show, write } from "./dom.js";
import { clock } from "./format.js";
import { now, onChange } from "./store.js";

const MARKS = { HIGH: "!!!", MEDIUM: "!!", LOW: "!" };

// The nodes stay and only their words change: a flash keeps its rhythm and a focused button its focus.
export function alarms(openLog) {
  const quiet = el("div", { class: "quiet" });
  const line = bar(openLog);
  const pause = el("div", { class: "paused", id: "paused" });
  byId("alarm").append(quiet, line.node, pause);
  const announce = announcer(byId("onset"));
  onChange(() => {
    const list = now.blind ? [] : (now.state.alarms ?? []);
    const paused = now.blind ? 0 : Math.ceil(now.state.audio_paused_s ?? 0);
    show(quiet, !list.length);
    write(quiet, noAlarm());
    line.paint(list);
    show(pause, paused > 0);
    write(pause, paused > 0 ? `AUDIO PAUSED ${clock(paused / 60)}` : "");
    if (!now.blind) announce(list);
  });
}

function noAlarm() {
  const unwatched = now.blind ? 0 : (now.state.not_monitored ?? []).length;
  return now.blind ? "Alarms not known" : unwatched ? `No alarm. ${unwatched} conditions not monitored: see Log` : "No alarm";
}

function bar(openLog) {
  const [mark, word] = [el("span", { class: "mark" }), el("span", { class: "word" })];
  const [what, advice] = [el("b", {}), el("span", {})];
  const flag = el("div", { class: "flag" }, mark, word);
  const more = el("button", { class: "more", type: "button", onclick: openLog });
  const node = el("div", { class: "bar" }, flag, el("div", { class: "text" }, what, advice), more);
  const paint = (list) => {
    show(node, list.length > 0);
    const top = list[0];
    const loud = top && !top.acknowledged;
    dress(node, `bar ${top?.priority ?? ""}`);
    dress(flag, `flag${loud ? " loud" : ""}`);
    flag.dataset.priority = top?.priority ?? "";
    write(mark, top ? MARKS[top.priority] : "");
    write(word, top?.priority ?? "");
    write(what, top ? `${top.title}: ${top.text}` : "");
    write(advice, top ? top.advice + standing(top, list) : "");
    write(more, list.length > 1 ? `+ ${list.length - 1} more` : "all alarms");
  };
  return { node, paint };
}

function dress(node, name) {
  if (node.className !== name) node.className = name;
}

function standing(top, list) {
  const latched = top.latched && !top.present ? "cause gone, latched" : top.latched ? "latched" : "";
  const words = [top.first && list.length > 1 ? "FIRST" : "", top.acknowledged ? "acknowledged" : "", latched].filter(Boolean);
  return words.length ? `  (${words.join(" · ")})` : "";
}

// To a screen reader an alarm is told when it begins to ask to be heard, and again when it rises or comes back; not
// each time a number in its words ticks.
function announcer(place) {
  let told = new Set();
  return (list) => {
    const loud = list.filter((alarm) => !alarm.acknowledged && !alarm.because);
    const key = (alarm) => `${alarm.id} ${alarm.since_s} ${alarm.priority}`;
    const fresh = loud.filter((alarm) => !told.has(key(alarm)));
    told = new Set(loud.map(key));
    if (fresh.length) place.replaceChildren(...fresh.map((alarm) => el("p", {}, `${alarm.priority} alarm. ${alarm.title}: ${alarm.text}. ${alarm.advice}`)));
    else if (!loud.length && place.firstChild) place.replaceChildren();
  };
}
