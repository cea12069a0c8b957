// The engineer's page: every reading as it came, the ports, the loop's punctuality, and what is in force.
import { el } from "./dom.js";
import { fine, glance, label, unit } from "./format.js";
import { now, onChange } from "./store.js";

const head = (...titles) => el("thead", {}, el("tr", {}, ...titles.map((t) => el("th", { scope: "col" }, t))));
const line = (...cells) => el("tr", {}, ...cells.map((c) => el("td", {}, String(c ?? ""))));
const plain = (value) => (typeof value === "number" ? String(Math.round(value * 1000) / 1000) : typeof value === "object" ? JSON.stringify(value) : String(value));

export function engineer(place) {
  const raw = el("tbody", {});
  const links = el("table", {});
  const loop = el("table", {});
  const force = el("table", {});
  const hash = el("p", { class: "hash" });
  const card = (title, ...parts) => el("section", { class: "panel" }, el("h2", {}, title), ...parts);
  place.append(el("div", { class: "engineer", tabindex: 0, role: "group", "aria-label": "Engineer" },
    el("div", { class: "stack" }, card("Readings as they came", el("table", {}, head("Signal", "Value", "Age s", "Quality"), raw)), card("Devices", links)),
    el("div", { class: "stack" }, card("Loop", loop), card("In force", hash, force))));
  let drawnMs = 0;
  const paint = () => {
    if (place.hidden || performance.now() - drawnMs < 450) return;
    drawnMs = performance.now();
    const runtime = now.blind ? null : now.state.runtime;
    raw.replaceChildren(...Object.entries(runtime?.raw ?? {}).map(([name, [value, age, quality, detail]]) => line(label(name), `${fine(name, value)} ${unit(name)}`, glance("age_s", age), detail || quality)));
    const rows = runtime?.links ?? [];
    const names = rows.length ? Object.keys(rows[0]) : [];
    links.replaceChildren(head(...names), el("tbody", {}, ...rows.map((row) => line(...names.map((n) => plain(row[n] ?? ""))))));
    loop.replaceChildren(el("tbody", {}, line("Cycle", now.blind ? "" : now.seq), ...Object.entries(runtime?.lateness ?? {}).map(([k, v]) => line(k, plain(v)))));
    hash.textContent = runtime ? `hipec ${runtime.version}, configuration SHA-256 ${runtime.config_sha256}` : "";
    force.replaceChildren(el("tbody", {}, ...Object.entries({ rig: runtime?.rig, speed: runtime?.speed, restarts: runtime?.restarts, ...runtime?.limits }).map(([k, v]) => line(k, plain(v ?? "")))));
  };
  onChange(paint);
  place.addEventListener("shown", () => {
    drawnMs = 0;
    paint();
  });
}
