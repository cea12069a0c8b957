// That the alarms' sound is paused, for how much longer, and a button that ends the pause at once.
import { command, may } from "./commands.js";
import { el, show, write } from "./dom.js";
import { clock } from "./format.js";
import { now } from "./store.js";

export function pauseButton() {
  const left = el("b", {});
  const node = el("button", { class: "paused", id: "paused", type: "button", onclick: end }, left, el("span", {}, "Sound on"));
  const paint = () => {
    const pausedS = now.blind ? 0 : Math.ceil(now.state.audio_paused_s ?? 0);
    show(node, pausedS > 0);
    write(left, pausedS > 0 ? `AUDIO PAUSED ${clock(pausedS / 60)}` : "");
    node.disabled = !may();
    return pausedS > 0;
  };
  return { node, paint };
}

// No hold: all it does is to let an alarm be heard.
function end() {
  command("audio_resume", { title: "Sound on", done: (state) => !(state.audio_paused_s > 0) });
}
