// Buttons under a hand: one that acts only when it is held for a second, for starts and resets; and what tells of a hand.
import { el } from "./dom.js";

export const HOLD_MS = 1000;

export function holdButton(text, act, { id = null, first = false } = {}) {
  const label = el("span", {}, text);
  const fill = el("span", { class: "fill" });
  const button = el("button", { class: `press${first ? " first" : ""}`, type: "button", id }, label, el("small", {}, "hold"), fill);
  let timer = null;
  const begin = () => {
    if (button.disabled || timer !== null) return;
    button.classList.add("held");
    timer = setTimeout(() => {
      end();
      if (button.isConnected) act(); // a sheet that went away took its question along
    }, HOLD_MS);
  };
  const end = () => {
    clearTimeout(timer);
    timer = null;
    button.classList.remove("held");
  };
  underHand(button, begin, end);
  return { button, label };
}

// `down` when a finger or a key presses, `up` when it lets go, slips off or is taken away.
export function underHand(button, down, up) {
  button.addEventListener("pointerdown", down);
  for (const name of ["pointerup", "pointerleave", "pointercancel", "blur", "keyup"]) button.addEventListener(name, up);
  button.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    if (!event.repeat) down();
  });
  button.addEventListener("contextmenu", (event) => event.preventDefault());
}
