// The top line: what is treated, which view, theme, units, role, the clock, and the age of the data.
import { byId, el, show, write } from "./dom.js";
import { choose, chosen, glance } from "./format.js";
import { roleShown, signInSheet } from "./signin.js";
import { changed, now, onChange } from "./store.js";

const VIEWS = [["main", "Treatment"], ["trends", "Trends"], ["guide", "Guide"], ["limits", "Limits"], ["log", "Log"], ["engineer", "Engineer"]];

export function goTo(id) {
  for (const [name] of VIEWS) {
    const view = byId(`view-${name}`);
    show(view, name === id);
    if (name === id) view.dispatchEvent(new Event("shown"));
  }
  for (const button of byId("nav").children) {
    if (button.dataset.view === id) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
  }
  changed();
}

function fullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen();
}

// What may end in … on the page is whole where the pointer rests.
function whole(node, text) {
  write(node, text);
  if (node.title !== text) node.title = text;
}

export function chrome({ themed }) {
  byId("nav").append(...VIEWS.map(([id, text]) => el("button", { type: "button", "data-view": id, onclick: () => goTo(id) }, text)));
  const theme = el("button", { type: "button", id: "theme", "aria-label": "Light or dark" }, "◐");
  theme.addEventListener("click", () => {
    const root = document.documentElement;
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.theme);
    themed();
  });
  const toggle = (unit, other, texts) => {
    const button = el("button", { type: "button" }, texts[chosen[unit] ? 1 : 0]);
    button.addEventListener("click", () => {
      choose(unit, chosen[unit] ? "" : other);
      button.textContent = texts[chosen[unit] ? 1 : 0];
      changed();
    });
    return button;
  };
  const full = el("button", { type: "button", id: "fullscreen", "aria-label": "Full screen", onclick: fullScreen }, "⛶");
  const role = el("button", { type: "button", id: "who-am-i", onclick: signInSheet }, "viewer");
  const live = el("span", { class: "live", "aria-label": "Age of the data" });
  const time = el("time", {});
  byId("tools").append(toggle("°C", "fahrenheit", ["°C", "°F"]), toggle("L/min", "millilitres", ["L/min", "mL/min"]), theme, full, role, live, time);
  document.documentElement.dataset.theme = localStorage.getItem("theme") ?? "light";
  setInterval(() => write(time, new Date().toTimeString().slice(0, 8)), 250);
  onChange(() => {
    document.documentElement.dataset.blind = String(now.blind);
    write(live, now.blind ? "no data" : `${"◴◷◶◵"[now.seq % 4]} ${glance("age_s", now.ageMs / 1000)} s`);
    write(role, roleShown(now.session));
    whole(byId("title"), now.state?.treatment_title ?? "Connecting");
    whole(byId("patient"), now.state?.patient ?? "");
    show(byId("simulated"), Boolean(now.state?.runtime?.simulated));
    const tight = Object.keys(now.state?.tightened ?? {}).length;
    show(byId("tightened"), tight > 0);
    write(byId("tightened"), `* ${tight} LIMIT${tight === 1 ? "" : "S"} TIGHTENED`);
    show(byId("celsius"), Boolean(chosen["°C"])); // a text may tell a difference: only who wrote it could convert it
    show(byId("remote"), Boolean(now.session?.remote));
    write(byId("remote"), now.session?.local === false ? "REMOTE PAGE" : "REACHABLE FROM THE NETWORK");
    write(byId("blind-why"), now.state && now.blind ? `${now.why} STOP is still sent; if nothing follows, use the emergency stop of the device.` : now.why);
  });
}
