// STOP: at once, on two ways at a time (websocket and its own POST), without login, question or wait.
import { el, write } from "./dom.js";
import { postStop, say } from "./commands.js";
import { sendStop } from "./link.js";
import { now, onChange } from "./store.js";

const UNSEEN_MS = 1500;

export function stopButton() {
  const below = el("small", {}, "heat and pump off");
  const button = el("button", { class: "stop", id: "stop", type: "button", "aria-label": "STOP: heat and pump off" }, "STOP", below);
  let askedMs = null;
  let failed = "";
  const press = () => {
    askedMs = performance.now();
    failed = "";
    const sent = sendStop();
    postStop().then((why) => {
      if (why && !stopped()) failed = sent ? "" : why;
      if (failed) say("STOP was not taken by the controller. Press the emergency stop of the device.", 60000);
    });
    paint();
  };
  const stopped = () => !now.blind && now.state?.trips?.some((trip) => trip.id === "stop");
  const paint = () => {
    let text = "heat and pump off";
    if (stopped()) text = "stopped: heat is off";
    else if (failed) text = "NOT TAKEN: use the emergency stop";
    else if (askedMs !== null && performance.now() - askedMs < UNSEEN_MS) text = "sent …";
    else if (askedMs !== null && now.blind) text = "sent; not confirmed";
    else askedMs = null;
    write(below, text);
  };
  button.addEventListener("pointerdown", press);
  button.addEventListener("keydown", (event) => {
    if ((event.key === "Enter" || event.key === " ") && !event.repeat) press();
  });
  // Pointers and keys act on the way down; this is for assistive technology, which only clicks.
  button.addEventListener("click", (event) => {
    if (event.detail === 0 && (askedMs === null || performance.now() - askedMs > 300)) press();
  });
  onChange(paint);
  return { button, said: (error) => { if (!error) failed = ""; paint(); } };
}
