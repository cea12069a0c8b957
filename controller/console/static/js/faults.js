// Faults of a simulated bench: what its simulator can suffer, begun and ended there. Not shown where there is none.
import { el, show, write } from "./dom.js";
import { may, quietly, say } from "./commands.js";
import { now, onChange } from "./store.js";

const EVERY_MS = 2000;

export function faultCard(card, place) {
  let known = [];
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
  const options = (select, words) => {
    select.replaceChildren(...words.map((word) => el("option", {}, word)));
    show(select.parentElement ?? select, words.length > 0);
  };

  function choose() {
    const line = chosen();
    if (!line) return;
    const measured = line.unit && line.unit !== "signal";
    write(about, `${line.about}${measured ? `; ${line.low} to ${line.high} ${line.unit}` : ""}`);
    options(target, line.targets);
    options(partner, line.partners);
    show(value.parentElement, Boolean(measured));
    value.value = measured && line.value !== null ? line.value : "";
    write(unit, measured ? line.unit : "");
  }
  fault.addEventListener("change", choose);

  async function pass(act, text, title) {
    const why = await quietly(act, null, text, "fault");
    say(why ? `${title}: not done. ${why}` : `${title}: done`, 6000);
    look(true);
  }
  begin.addEventListener("click", () => {
    const much = partner.options.length ? partner.value : value.value.trim();
    const where = target.options.length ? `:${target.value}` : "";
    pass("fault", `${fault.value}${where}${long.value.trim() ? `+${long.value.trim()}` : ""}${much ? `=${much}` : ""}`, "Fault");
  });
  end.addEventListener("click", () => pass("end_faults", "", "Faults ended"));

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
    const { vocabulary, active: going } = await answer.json();
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
