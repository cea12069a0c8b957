// The left side of the main screen: every value large, with its limits, its age, or why it is not known.
import { el, show, write } from "./dom.js";
import { glance, label, unit, withUnit } from "./format.js";
import { scaleBar } from "./scale.js";
import { isTight, limit, now, onChange } from "./store.js";

const PROBES = ["cavity_1_c", "cavity_2_c", "cavity_3_c"];
const DERIVED_FROM = { cavity_mean_c: PROBES, in_patient_ml: ["reservoir_ml"] };

function ageOf(name) {
  const raw = now.state?.runtime?.raw ?? {};
  const ages = (DERIVED_FROM[name] ?? [name]).map((key) => raw[key]?.[1]).filter((age) => age !== undefined);
  return now.ageMs / 1000 + (ages.length ? Math.max(...ages) : 0);
}

export function numeral(name) {
  const digits = document.createTextNode("");
  const small = el("small", {});
  const node = el("p", { class: "number", "data-value": name }, digits, small);
  const paint = (value) => {
    const text = glance(name, value);
    if (digits.data !== text) digits.data = text;
    write(small, unit(name));
    node.classList.toggle("unknown", value === null || value === undefined);
  };
  return { node, paint };
}

const value = (name) => (now.blind ? null : (now.state.values[name] ?? null));

function limitsText(scale, name, trip) {
  const words = [];
  const say = (limits, mark) => {
    const known = limits.filter((each) => limit(each) !== null);
    if (known.length) words.push(`${mark} ${known.map((each) => glance(name, limit(each)) + (isTight(each) ? "*" : "")).join(" / ")}`);
  };
  if (scale.below) say([scale.below], "▽");
  say(scale.alarms, "△");
  say(scale.trips, trip);
  return words.join("   ");
}

export function tile(name, { size = "little", title = null, fact = () => "", scale = true } = {}) {
  const number = numeral(name);
  const age = el("span", { class: "age" });
  const facts = el("span", {});
  const limits = el("span", {});
  const little = size === "little";
  const line = el("div", { class: "facts" }, ...(little ? [limits] : [facts, limits]));
  const below = little ? [el("div", { class: "facts" }, facts, age)] : [];
  const beside = el("small", {});
  const why = el("p", { class: "why", hidden: true });
  const heading = el("span", {});
  const shape = now.scales[name];
  const bar = shape && scale ? scaleBar(shape) : null;
  const body = [number.node, ...(bar ? [bar.node] : []), line, why, ...below];
  const node = el("section", { class: `panel tile ${size}`, "data-tile": name }, el("header", { class: "label" }, el("span", {}, heading, beside), ...(little ? [] : [age])), ...body);
  const paint = () => {
    write(heading, title ?? label(name));
    write(beside, little ? ` ${unit(name)}` : "");
    const known = value(name);
    number.paint(known);
    bar?.paint(known);
    write(age, now.blind ? "no data" : `${glance("age_s", ageOf(name))} s`);
    write(facts, now.blind ? "" : fact(now.state));
    write(limits, shape ? limitsText(shape, name, little || shape.below ? "▲" : "▲ trip") : "");
    const reason = now.blind ? "" : (now.state.bad[name] ?? "");
    write(why, reason);
    show(why, Boolean(reason));
    show(line, !reason);
  };
  return { node, paint };
}

const band = () => `band ${glance("target_c", limit("ready_c"))}–${glance("target_c", limit("cavity_warn_c"))}`;

function cavity() {
  const main = tile("cavity_mean_c", {
    size: "big",
    fact: (s) => `Target ${glance("target_c", s.target_c)}   ${band()}`,
  });
  const probes = PROBES.map((name) => {
    const number = numeral(name);
    const text = el("span", { class: "label" });
    return { name, text, number, node: el("li", {}, text, number.node) };
  });
  const one = el("div", { class: "one" });
  const header = main.node.firstElementChild;
  one.append(...[...main.node.children].slice(1));
  main.node.replaceChildren(header, el("div", { class: "inner" }, one, el("ul", { class: "probes" }, ...probes.map((p) => p.node))));
  const paint = () => {
    main.paint();
    for (const probe of probes) {
      write(probe.text, label(probe.name).replace(/^Cavity \d+ \((.*)\)$/, "$1"));
      probe.number.paint(value(probe.name));
      const reason = now.blind ? "" : (now.state.bad[probe.name] ?? "");
      probe.node.title = reason;
    }
  };
  return { node: main.node, paint };
}

function heater() {
  const number = el("p", { class: "number" }, "");
  const facts = el("span", {});
  const setpoint = el("span", {});
  const age = el("span", { class: "age" });
  const node = el("section", { class: "panel tile little", "data-tile": "heater" },
    el("header", { class: "label" }, el("span", {}, "Heater")), number, el("div", { class: "facts" }, setpoint), el("div", { class: "facts" }, facts, age));
  const paint = () => {
    const power = value("heater_power_w");
    const most = now.state?.runtime?.heater?.max_power_w;
    write(number, now.blind ? glance("share", null) : now.state.heat_on ? (power === null || !most ? "ON" : `${glance("share", Math.max(0, (power / most) * 100))} %`) : "OFF");
    number.classList.toggle("unknown", now.blind);
    write(facts, now.blind ? "" : `${glance("heater_power_w", power)} W`);
    write(setpoint, now.blind || !now.state.heat_on ? "" : `set ${withUnit("heater_demand_c", value("heater_demand_c"))}`);
    write(age, now.blind ? "no data" : `${glance("age_s", ageOf("heater_power_w"))} s`);
  };
  return { node, paint };
}

export function tiles() {
  const set = (name, field) => (s) => (s.values[name] === null ? "" : `set ${glance(field, s.values[name])}`);
  const rows = [
    [cavity()],
    [
      tile("inflow_c", { size: "mid", fact: set("inflow_target_c", "inflow_target_c") }),
      tile("outflow_c", { size: "mid", fact: band }),
      tile("core_c", { size: "mid" }),
    ],
    [
      tile("flow_lpm", { fact: (s) => `set ${glance("flow_lpm_set", s.pump_lpm)}`, scale: false }),
      tile("line_pressure_mmhg", { title: "Line", scale: false }),
      tile("cavity_pressure_mmhg", { title: "Cavity", scale: false }),
      tile("reservoir_ml", { scale: false }),
      tile("in_patient_ml", { scale: false, fact: (s) => `of ${glance("fill_ml", s.fill_ml)}` }),
      heater(),
    ],
  ];
  onChange(() => rows.flat().forEach((each) => each.paint()));
  return el("div", { class: "left" }, rows[0][0].node, ...rows.slice(1).map((row) => el("div", { class: "row" }, ...row.map((t) => t.node))));
}
