// A button that acts only when it is held for a second: for starts and resets.
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
      act();
    }, HOLD_MS);
  };
  const end = () => {
    clearTimeout(timer);
    timer = null;
    button.classList.remove("held");
  };
  button.addEventListener("pointerdown", begin);
  for (const name of ["pointerup", "pointerleave", "pointercancel", "blur"]) button.addEventListener(name, end);
  button.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    if (!event.repeat) begin();
  });
  button.addEventListener("keyup", end);
  button.addEventListener("contextmenu", (event) => event.preventDefault());
  return { button, label };
}
