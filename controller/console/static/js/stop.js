// STOP: at once, on two ways at a time (websocket and its own POST), without login, question or wait.
import { el, write } from "./dom.js";
import { postStop, say } from "./commands.js";
import { sendStop } from "./link.js";
import { now, onChange } from "./store.js";

const UNSEEN_MS = 1500;

export function stopButton() {
  const below = el("small", {}, "heat and pump off");
  const button = el("button", { class: "stop", id: "stop", type: "button", "aria-label": "STOP: heat and pump off" }, "STOP", below);
  let pressedMs = -Infinity;
  let askedMs = null; // of the press that is not seen to be carried out yet
  let taken = false; // one of the two ways is enough
  let failed = "";
  const press = () => {
    pressedMs = askedMs = performance.now();
    taken = false;
    failed = "";
    sendStop();
    postStop().then(answered);
    paint();
  };
  const answered = (why) => {
    taken ||= !why;
    failed = taken || stopped() ? "" : why;
    if (failed) say("STOP was not taken by the controller. Press the emergency stop of the device.", 60000);
    paint();
  };
  const stopped = () => !now.blind && now.state?.trips?.some((trip) => trip.id === "stop");
  const words = () => {
    if (stopped()) return "stopped: heat is off";
    if (failed) return "NOT TAKEN: use the emergency stop";
    if (askedMs === null) return "heat and pump off";
    return performance.now() - askedMs < UNSEEN_MS ? "sent …" : "sent; not confirmed";
  };
  const paint = () => {
    if (stopped()) [askedMs, failed] = [null, ""];
    write(below, words());
  };
  button.addEventListener("pointerdown", press);
  button.addEventListener("keydown", (event) => {
    if ((event.key === "Enter" || event.key === " ") && !event.repeat) press();
  });
  // Pointers and keys act on the way down; this is for assistive technology, which only clicks.
  button.addEventListener("click", (event) => {
    if (event.detail === 0 && performance.now() - pressedMs > 300) press();
  });
  onChange(paint);
  return { button, said: answered };
}
