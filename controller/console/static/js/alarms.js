// The alarm line: highest priority first, full text, what to do. The controller decides; the page only shows.
import { byId, el } from "./dom.js";
import { clock } from "./format.js";
import { now, onChange } from "./store.js";

const MARKS = { HIGH: "!!!", MEDIUM: "!!", LOW: "!" };
let drawn = "";

export function alarms(openLog) {
  const place = byId("alarm");
  onChange(() => {
    const list = now.blind ? [] : (now.state.alarms ?? []);
    const paused = now.blind ? 0 : Math.ceil(now.state.audio_paused_s ?? 0);
    const key = JSON.stringify([now.blind, list.map((a) => [a.id, a.text, a.acknowledged, a.latched, a.present, a.because]), paused, now.state?.not_monitored?.length]);
    if (key === drawn) return;
    drawn = key;
    place.replaceChildren(...(list.length ? [bar(list, openLog)] : [quiet()]), ...(paused ? [countdown(paused)] : []));
    // A text whose number changes five times a second must not begin the flash anew each time: it would never be dark.
    for (const flash of place.getAnimations({ subtree: true })) flash.startTime = 0;
  });
}

function quiet() {
  const unwatched = now.blind ? 0 : (now.state.not_monitored ?? []).length;
  const words = now.blind ? "Alarms not known" : unwatched ? `No alarm. ${unwatched} conditions not monitored: see Log` : "No alarm";
  return el("div", { class: "quiet" }, words);
}

function bar(list, openLog) {
  const top = list[0];
  const flag = el("div", { class: `flag${top.acknowledged ? "" : " loud"}`, "data-priority": top.priority },
    el("span", { class: "mark" }, MARKS[top.priority]), el("span", { class: "word" }, top.priority));
  const state = [top.first && list.length > 1 ? "FIRST" : "", top.acknowledged ? "acknowledged" : "", top.latched && !top.present ? "cause gone, latched" : top.latched ? "latched" : ""].filter(Boolean).join(" · ");
  const text = el("div", { class: "text", role: "alert" }, el("b", {}, `${top.title}: ${top.text}`), el("span", {}, top.advice + (state ? `  (${state})` : "")));
  const others = list.length - 1;
  const more = el("button", { class: "more", type: "button", onclick: openLog }, others ? `+ ${others} more` : "all alarms");
  return el("div", { class: `bar ${top.priority}` }, flag, text, more);
}

function countdown(seconds) {
  return el("div", { class: "paused", id: "paused" }, `AUDIO PAUSED ${clock(seconds / 60)}`);
}
