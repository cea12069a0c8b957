// The engineer's page: every reading as it came, the ports, the loop's punctuality, jog, faults, and what is in force.
import { el, show } from "./dom.js";
import { faultCard } from "./faults.js";
import { fine, glance, label, unit } from "./format.js";
import { jogCard } from "./jog.js";
import { latenessCard } from "./lateness.js";
import { now, onChange } from "./store.js";

const EVERY_MS = 450;
const head = (...titles) => el("thead", {}, el("tr", {}, ...titles.map((title) => el("th", { scope: "col", class: title.startsWith("#") ? "n" : "" }, title.replace("#", "")))));
const cell = (value) => el("td", typeof value === "number" ? { class: "n" } : {}, String(value ?? ""));
const ms = (seconds) => Math.round(seconds * 1000);

// By port, in the order in which the rig names them; `signals` says which device a signal comes from.
function readings(raw, signals, wiring) {
  const ports = new Map();
  for (const [name, reading] of Object.entries(raw ?? {})) {
    const port = wiring?.[signals?.[name]?.device] ?? (signals ? "protective channel" : "port not known");
    ports.set(port, [...(ports.get(port) ?? []), [name, reading]]);
  }
  return [...ports].flatMap(([port, here]) => [el("tr", { class: "port" }, el("th", { scope: "rowgroup", colspan: 4 }, port)), ...here.map(readingLine)]);
}

function readingLine([name, [value, age, quality, detail]]) {
  return el("tr", { class: quality === "good" ? "" : "bad" }, cell(label(name)), el("td", { class: "n" }, `${fine(name, value)} ${unit(name)}`), el("td", { class: "n" }, glance("age_s", age)), cell(detail || quality));
}

// Rate and errors of a port are those of the devices on it.
function ports(links, wiring) {
  const rows = [];
  for (const port of [...new Set(Object.values(wiring ?? {}))]) {
    const here = links.filter((link) => wiring[link.device] === port);
    if (!here.length) continue;
    const sum = (key) => here.reduce((total, link) => total + link[key], 0);
    const share = (100 * sum("errors")) / Math.max(1, sum("exchanges") + sum("errors"));
    rows.push(el("tr", { class: "port" }, el("th", { scope: "row" }, port), el("td", { class: "n" }, sum("rate_hz").toFixed(1)), el("td", { class: "n" }, `${sum("errors")} (${share.toFixed(2)} %)`), el("td", { class: "n" }, ""), cell("")));
    rows.push(...here.map((link) => el("tr", { class: link.state === "open" ? "" : "bad" }, cell(link.device), el("td", { class: "n" }, link.rate_hz.toFixed(1)), cell(link.errors), el("td", { class: "n" }, `${ms(link.latency_s)} / ${ms(link.latency_max_s)}`), cell(link.fault || (link.state === "open" ? link.identity : link.state)))));
  }
  return rows;
}

function flat(value, path = "") {
  if (value === null || typeof value !== "object") return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => flat(inner, path ? `${path}.${key}` : key));
}

export function engineer(place) {
  const raw = el("tbody", {});
  const links = el("tbody", {});
  const force = el("tbody", {});
  const hash = el("p", { class: "hash" });
  const loop = latenessCard();
  const card = (title, ...parts) => el("section", { class: "panel" }, el("h2", {}, title), ...parts);
  const faults = card("Faults of the simulator");
  const table = (titles, body, kind) => el("table", { class: kind }, head(...titles), body);
  place.append(el("div", { class: "engineer", tabindex: 0, role: "group", "aria-label": "Engineer" },
    el("div", { class: "stack" }, card("Readings as they came", table(["Signal", "#Value", "#Age s", "Quality"], raw, "raw")), card("Ports and devices", table(["Device", "#Hz", "#Errors", "#ms, longest", "Who answers, or why not"], links, "links")), card("Loop", ...loop.parts)),
    el("div", { class: "stack" }, card("Jog by hand", ...jogCard()), faults, card("In force", hash, el("table", { class: "force" }, force)))));
  faultCard(faults, place);
  let drawnMs = 0;
  let facts = null;
  let shownHash = "";
  const fetchFacts = async () => {
    const answer = await fetch("facts").catch(() => null);
    facts = answer?.ok ? await answer.json() : null;
    shownHash = "";
  };
  const inForce = (runtime) => {
    if (!runtime || runtime.config_sha256 === shownHash) return;
    shownHash = runtime.config_sha256;
    hash.textContent = `configuration SHA-256 ${runtime.config_sha256}`;
    const rig = facts?.rig ?? { limits: runtime.limits, heater: runtime.heater };
    const all = { ...(facts?.versions ?? { hipec: runtime.version }), rig, treatment: runtime.protocol, patient: { pseudonym: runtime.patient, ...runtime.body } };
    force.replaceChildren(...flat(all).map(([key, value]) => el("tr", {}, el("th", { scope: "row" }, key), el("td", {}, String(value ?? "–")))));
  };
  const paint = () => {
    if (place.hidden || performance.now() - drawnMs < EVERY_MS) return;
    drawnMs = performance.now();
    const runtime = now.blind ? null : now.state.runtime;
    raw.replaceChildren(...readings(runtime?.raw, facts?.rig.signals, runtime?.wiring));
    links.replaceChildren(...ports(runtime?.links ?? [], runtime?.wiring));
    loop.paint(runtime?.lateness);
    inForce(runtime);
    show(hash, Boolean(runtime));
  };
  onChange(paint);
  place.addEventListener("shown", async () => {
    await fetchFacts();
    drawnMs = 0;
    paint();
  });
}
