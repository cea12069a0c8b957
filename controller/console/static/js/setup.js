// The set-up sheet: treatment, patient and body; what that means in mL and mg as the controller reckons it; then set it up.
import { command, may, post, say } from "./commands.js";
import { el } from "./dom.js";
import { fine, withUnit } from "./format.js";
import { openSheet, tick } from "./sheet.js";
import { now } from "./store.js";

const LOOK_AFTER_MS = 250;
// What the controller refuses it names as its files do; here it stands under the name of its field.
const FIELDS = { treatment: "Treatment", pseudonym: "Pseudonym", height_cm: "Height, cm", weight_kg: "Weight, kg" };
const inWords = (line) => line.replace(/^\w+(?= = )/, (name) => FIELDS[name] ?? name).replace("text like ^[A-Za-z0-9._-]+$", "letters, digits and . _ -");
let factsOf; // when the controller began whose facts they are
const NUMBER = /^\d{1,3}(\.\d)?$/;

// Once it has begun a treatment is left only by who has held it, or where it cannot go on by itself.
export const maySetUp = (state) => Boolean(state) && !state.failed && !state.set_up_refused && (["standby", "self_test", "complete"].includes(state.step) || Boolean(state.hold));

export async function openSetUp() {
  const facts = await loadFacts();
  if (!facts) return;
  const body = now.state.runtime.body;
  const treatment = el("select", { id: "set-treatment" }, ...facts.treatments.map((t) => el("option", { value: t.name }, t.title)));
  treatment.value = now.state.treatment;
  const field = (id, value, extra = {}) => el("input", { type: "text", id, value, autocomplete: "off", spellcheck: "false", ...extra });
  const pseudonym = field("set-pseudonym", now.state.patient, { maxlength: 40 });
  const height = field("set-height", fine("height_cm", body.height_cm), { inputmode: "decimal", maxlength: 5 });
  const weight = field("set-weight", fine("weight_kg", body.weight_kg), { inputmode: "decimal", maxlength: 5 });
  const shown = el("div", { class: "plan", role: "status", id: "set-plan" });
  const form = el("div", { class: "form" },
    el("label", { class: "long" }, "Treatment", treatment), el("label", {}, "Pseudonym", pseudonym),
    el("label", {}, "Height, cm", height), el("label", {}, "Weight, kg", weight));
  let seen = null; // the set-up that is shown, with its hash
  let asked = 0;
  const read = () => ({ treatment: treatment.value, pseudonym: pseudonym.value.trim(), height_cm: Number(height.value), weight_kg: Number(weight.value) });
  const look = async () => {
    const mine = ++asked;
    seen = null;
    judge();
    const wrong = [["Height", height], ["Weight", weight]].filter(([, input]) => !NUMBER.test(input.value.trim()));
    if (wrong.length) {
      shown.replaceChildren(el("p", { class: "wrong" }, `${wrong.map(([name]) => name).join(" and ")}: a number such as 170 or 70.5`));
      return;
    }
    const wanted = read();
    const answer = await post("preview", wanted).catch(() => null);
    const found = answer ? await answer.json() : { error: "the server does not answer" };
    if (mine !== asked) return;
    if (!answer?.ok) {
      shown.replaceChildren(...String(found.error).split("\n").map((line) => el("p", { class: "wrong" }, inWords(line))));
      return;
    }
    seen = { ...wanted, sha256: found.sha256 };
    shown.replaceChildren(plan(found));
    judge();
  };
  let timer = null;
  form.addEventListener("input", () => {
    asked += 1;
    seen = null;
    clearTimeout(timer);
    timer = setTimeout(look, LOOK_AFTER_MS);
  });
  const ticks = [tick("Patient, height and weight are those of the patient's file"), tick("Treatment, drug and doses are those of the prescription")];
  const judge = openSheet("Set up treatment and patient", [el("div", { class: "two" }, form, shown), ...ticks], {
    text: "Set up",
    ready: () => seen !== null && may(),
    run: () => command("setup", { setup: seen, title: `Set up ${seen.pseudonym}`, done: (s) => s.runtime?.config_sha256 === seen.sha256 }),
  }, { wide: true, stays: true, bound: { to: (s) => (maySetUp(s) ? "" : null), changed: "" } });
  if (!judge) return;
  look();
}

// Asked for once of each controller: one that was started again has another certificate.
export async function loadFacts() {
  const run = now.state?.runtime?.events?.began_s;
  if (now.facts && run === factsOf) return now.facts;
  try {
    const answer = await fetch("facts");
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.error);
    now.facts = found;
    factsOf = run;
    return found;
  } catch (error) {
    say(`Not known yet: ${error.message}`);
    return null;
  }
}

function plan(found) {
  const { plan: p } = found;
  const cut = (words, is) => (is ? ` (cut to ${words})` : "");
  const line = (name, value) => el("tr", {}, el("th", { scope: "row" }, name), el("td", { class: "n" }, value));
  const doses = p.fractions.map((f, index) => line(`Dose ${index + 1} of ${p.fractions.length}, ${fine("minutes", f.at_min)} min`, withUnit("dose_mg", f.mg)));
  return el("table", {}, el("tbody", {},
    line("Treatment", found.title),
    line("Body surface", withUnit("bsa_m2", p.bsa_m2)),
    line("Fill", withUnit("fill_ml", p.carrier_ml) + cut("the treatment's most", p.carrier_capped)),
    line("Carrier, technique", `${found.carrier}, ${found.technique}`),
    line("Target, flow", `${withUnit("target_c", found.target_c)}, ${withUnit("flow_lpm_set", found.flow_lpm)}`),
    line("Time at temperature", withUnit("minutes", found.duration_min)),
    line("Agitate", found.agitate_every_min ? `every ${withUnit("minutes", found.agitate_every_min)}` : "no reminder"),
    line("Drug", p.drug ? `${p.drug}, ${withUnit("dose_mg", p.total_mg)} in all${cut("the ceiling", p.capped)}` : "no drug"),
    ...doses,
    line("Configuration", found.sha256.slice(0, 12))));
}
