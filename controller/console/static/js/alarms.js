// The alarm line: the alarm of the highest priority in full, how many more there are, which came first, and the audio
// pause. Sorted and decided by the controller; the page only shows.
import { alarmList } from "./alarm_list.js";
import { beside, standing } from "./alarm_words.js";
import { pauseButton } from "./audio_pause.js";
import { byId, el, show, write } from "./dom.js";
import { now, onChange } from "./store.js";

const MARKS = { HIGH: "!!!", MEDIUM: "!!", LOW: "!" };
const LONG = 62; // characters that one line of the larger letters holds

// The nodes stay and only their words change: a flash keeps its rhythm and a focused button its focus.
export function alarms({ openLog }) {
  const quiet = el("div", { class: "quiet" });
  const line = bar();
  const list = alarmList({ openLog });
  const more = el("button", { class: "more", type: "button", "aria-haspopup": "dialog", onclick: list.toggle });
  const pause = pauseButton();
  const side = el("div", { class: "side" }, more, pause.node);
  byId("alarm").append(quiet, line.node, side);
  const announce = announcer(byId("onset"));
  onChange(() => {
    const active = now.blind ? [] : (now.state.alarms ?? []);
    show(quiet, !active.length);
    write(quiet, noAlarm());
    line.paint(active);
    show(more, active.length > 0);
    write(more, beside(active));
    const paused = pause.paint();
    show(side, active.length > 0 || paused);
    dress(side, paused ? "side tight" : "side");
    list.paint(active);
    if (!now.blind) announce(active);
  });
}

function noAlarm() {
  const unwatched = now.blind ? 0 : (now.state.not_monitored ?? []).length;
  return now.blind ? "Alarms not known" : unwatched ? `No alarm. ${unwatched} condition${unwatched === 1 ? "" : "s"} not monitored: see Log` : "No alarm";
}

function bar() {
  const [mark, word] = [el("span", { class: "mark" }), el("span", { class: "word" })];
  const [what, advice] = [el("b", {}), el("span", {})];
  const flag = el("div", { class: "flag" }, mark, word);
  const state = el("div", { class: "state" });
  const node = el("div", { class: "bar" }, el("div", { class: "rank" }, flag, state), el("div", { class: "text" }, what, advice));
  const paint = (list) => {
    show(node, list.length > 0);
    const top = list[0];
    const loud = top && !top.acknowledged;
    const text = top ? `${top.title}: ${top.text}` : "";
    dress(node, `bar ${top?.priority ?? ""}${text.length > LONG ? " long" : ""}`);
    dress(flag, `flag${loud ? " loud" : ""}`);
    flag.dataset.priority = top?.priority ?? "";
    write(mark, top ? MARKS[top.priority] : "");
    write(word, top?.priority ?? "");
    const words = top ? standing(top, list) : [];
    show(state, words.length > 0);
    write(state, words.join(" · "));
    write(what, text);
    write(advice, top?.advice ?? "");
  };
  return { node, paint };
}

function dress(node, name) {
  if (node.className !== name) node.className = name;
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
