// Buttons under a hand: one that acts only when it is held for a second, for starts and resets; and what tells of a hand.
import { say } from "./commands.js";
import { el, write } from "./dom.js";

export const HOLD_MS = 1000;
const AGAIN_MS = 3000; // for the second of two clicks,
const BOUNCE_MS = 400; // which is none of its own when it comes sooner

export function holdButton(text, act, { id = null, first = false } = {}) {
  const label = el("span", {}, text);
  const fill = el("span", { class: "fill" });
  const how = el("small", {}, "hold");
  const button = el("button", { class: `press${first ? " first" : ""}`, type: "button", id }, label, how, fill);
  const still = () => button.isConnected && !button.closest("[inert]"); // a sheet that went away took its question along
  let timer = null;
  let handMs = -Infinity; // when a finger or a key let go
  let clickedMs = -Infinity;
  const begin = () => {
    if (button.disabled || timer !== null) return;
    button.classList.add("held");
    timer = setTimeout(() => {
      end();
      if (still()) act();
    }, HOLD_MS);
  };
  const end = () => {
    handMs = performance.now();
    clearTimeout(timer);
    timer = null;
    button.classList.remove("held");
  };
  // Assistive technology cannot hold, it only clicks, without a pointer or a key: it clicks twice.
  button.addEventListener("click", (event) => {
    const atMs = performance.now();
    if (event.detail !== 0 || button.disabled || atMs - handMs < BOUNCE_MS || atMs - clickedMs < BOUNCE_MS) return;
    const second = atMs - clickedMs < AGAIN_MS;
    clickedMs = second ? -Infinity : atMs;
    write(how, second ? "hold" : "press again");
    if (second) return act();
    say(`${text}: press again within ${AGAIN_MS / 1000} s.`, AGAIN_MS);
    setTimeout(() => write(how, "hold"), AGAIN_MS);
  });
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
