// What has happened, newest first: three lines on the main screen, and the whole list with a filter.
import { el, write } from "./dom.js";
import { clock } from "./format.js";
import { now, onChange } from "./store.js";

const KINDS = [["", "All"], ["alarm", "Alarms and trips"], ["order", "Orders"], ["phase", "Phases"], ["dose", "Doses"]];
const SHOWN_MAX = 500;
export const entries = [];
let fetching = false;
let last = 0;

async function catchUp(then) {
  if (fetching || now.entries === last) return;
  fetching = true;
  try {
    if (now.entries < last) {
      entries.length = 0; // another server: its list begins anew
      last = 0;
    }
    const answer = await fetch(`log?after=${last}`);
    if (!answer.ok) return;
    const fresh = await answer.json();
    entries.push(...fresh);
    if (entries.length > 2000) entries.splice(0, entries.length - 2000);
    last = fresh.length ? fresh[fresh.length - 1].number : now.entries;
    then();
  } catch {
    // the next message tries again
  } finally {
    fetching = false;
  }
}

const when = (entry) => new Date(entry.utc_ms).toTimeString().slice(0, 8);
const matches = (entry, kind) => !kind || entry.kind === kind || (kind === "alarm" && entry.kind === "trip") || (kind === "order" && entry.kind === "heat");

export function lastEvents() {
  const list = el("ol", { class: "events", "aria-label": "Last events" });
  const node = el("section", { class: "panel events-box" }, list);
  painters.push(() => list.replaceChildren(...entries.slice(-3).reverse().map((e) => el("li", {}, el("time", {}, when(e)), el("span", {}, e.text)))));
  return node;
}

const painters = [];

export function log(place) {
  let kind = "";
  const body = el("tbody", {});
  const unwatched = el("p", {});
  const buttons = KINDS.map(([id, text]) => el("button", { class: "press", type: "button", "aria-pressed": String(id === ""), onclick: () => pick(id) }, text));
  const pick = (id) => {
    kind = id;
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(KINDS[index][0] === id)));
    paint();
  };
  const paint = () => {
    if (place.hidden) return;
    body.replaceChildren(...entries.filter((e) => matches(e, kind)).slice(-SHOWN_MAX).reverse().map((e) => el("tr", {}, el("td", { class: "when" }, when(e)), el("td", { class: "kind" }, e.priority ? el("span", { class: `chip ${e.priority}` }, e.priority) : e.kind), el("td", {}, e.text))));
    const list = now.blind ? [] : (now.state.not_monitored ?? []);
    write(unwatched, list.length ? `Not monitored: ${list.map((n) => `${n.title} (${n.why})`).join("; ")}` : "");
  };
  painters.push(paint);
  place.append(el("div", { class: "log" }, el("div", { class: "pick" }, ...buttons, unwatched), el("div", { class: "panel list", tabindex: 0, role: "region", "aria-label": "Entries" }, el("table", {}, body))));
  onChange(() => catchUp(() => painters.forEach((each) => each())));
  place.addEventListener("shown", paint);
}
