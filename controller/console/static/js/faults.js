// Faults of a simulated bench: what its simulator can suffer, begun and ended there. Not shown where there is none.
import { el, show, write } from "./dom.js";
import { may, quietly, say } from "./commands.js";
import { now, onChange } from "./store.js";

const EVERY_MS = 2000;
const SEEN_MS = 4000;
const SEEN_EVERY_MS = 200;

// Who strikes a port strikes every device on it; the name of a port may be that of a device too.
function struck(name) {
  const here = Object.entries(now.state?.runtime?.wiring ?? {}).filter(([, port]) => port === name).map(([device]) => device);
  return here.length ? `port ${name}: ${here.join(", ")}` : name;
}

export function faultCard(card, place) {
  let known = [];
  let going = []; // as the simulator said last
  let askedMs = -Infinity;
  let none = false; // whether a simulator serves the ports does not change while the server lives
  const fault = el("select", { id: "fault-name", "aria-label": "Fault" });
  const target = el("select", { id: "fault-target", "aria-label": "What it strikes" });
  const partner = el("select", { id: "fault-partner", "aria-label": "Which signal it shows" });
  const value = el("input", { type: "text", inputmode: "decimal", id: "fault-value", "aria-label": "How much" });
  const long = el("input", { type: "text", inputmode: "decimal", id: "fault-long", "aria-label": "How long, s", placeholder: "to the end" });
  const unit = el("span", {});
  const about = el("p", { class: "under" });
  const active = el("ul", { class: "active" });
  const begin = el("button", { class: "press", type: "button", id: "fault-begin" }, "Begin");
  const end = el("button", { class: "press", type: "button", id: "fault-end" }, "End all");
  const chosen = () => known.find((line) => line.name === fault.value);
  const options = (select, words, say = (word) => word) => {
    select.replaceChildren(...words.map((word) => el("option", { value: word }, say(word))));
    show(select.parentElement ?? select, words.length > 0);
  };

  function choose() {
    const line = chosen();
    if (!line) return;
    const measured = line.unit && line.unit !== "signal";
    write(about, `${line.about}${measured ? `; ${line.low} to ${line.high} ${line.unit}` : ""}`);
    options(target, [...new Set(line.targets)], line.strikes === "link" ? struck : undefined);
    options(partner, line.partners);
    show(value.parentElement, Boolean(measured));
    value.value = measured && line.value !== null ? line.value : "";
    write(unit, measured ? line.unit : "");
  }
  fault.addEventListener("change", choose);

  // Done is what the simulator shows among what is going on; that it took the words is not enough.
  async function pass(act, text, title, done) {
    const why = await quietly(act, null, text, "fault");
    const end = why ? `not done. ${why}` : (await seen(done)) ? "done" : "taken, but not seen to be done. Check.";
    say(`${title}: ${end}`, 6000);
    look(true);
  }

  async function seen(done) {
    for (const untilMs = performance.now() + SEEN_MS; performance.now() < untilMs; ) {
      await look(true);
      if (done()) return true;
      await new Promise((later) => setTimeout(later, SEEN_EVERY_MS));
    }
    return false;
  }
  begin.addEventListener("click", () => {
    const much = partner.options.length ? partner.value : value.value.trim();
    const where = target.options.length ? `:${target.value}` : "";
    const same = () => going.filter((text) => text.startsWith(`${fault.value}${where}@`)).length;
    const before = same();
    pass("fault", `${fault.value}${where}${long.value.trim() ? `+${long.value.trim()}` : ""}${much ? `=${much}` : ""}`, "Fault", () => same() > before);
  });
  end.addEventListener("click", () => pass("end_faults", "", "Faults ended", () => known.length > 0 && !going.length));

  async function look(soon = false) {
    if (none || place.hidden || (!soon && performance.now() - askedMs < EVERY_MS)) return;
    askedMs = performance.now();
    const answer = await fetch("faults").catch(() => null);
    if (!answer?.ok) {
      none = answer?.status === 404;
      show(card, !none);
      active.replaceChildren(el("li", {}, "The simulator does not answer."));
      return;
    }
    const { vocabulary, active: shown } = await answer.json();
    going = shown;
    show(card, true);
    if (known.length !== vocabulary.length) {
      known = vocabulary;
      const kinds = [...new Set(known.map((line) => line.strikes))];
      fault.replaceChildren(...kinds.map((kind) => el("optgroup", { label: kind }, ...known.filter((line) => line.strikes === kind).map((line) => el("option", {}, line.name)))));
      choose();
    }
    active.replaceChildren(...(going.length ? going.map((text) => el("li", {}, text)) : [el("li", {}, "No fault is going on.")]));
  }

  onChange(() => {
    const engineer = now.session?.role === "engineer" && may();
    begin.disabled = end.disabled = !engineer;
    look();
  });
  place.addEventListener("shown", () => look(true));
  const field = (title, ...parts) => el("label", {}, el("span", {}, title), ...parts);
  card.append(el("div", { class: "fields" }, field("Fault", fault), field("Strikes", target), field("Shows", partner), field("How much", value, unit), field("For, s", long)),
    about, el("div", { class: "row2" }, begin, end), active);
  show(card, false);
}
