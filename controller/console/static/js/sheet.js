// A sheet: what is about to happen, what is to be ticked or typed, and a button to hold. STOP stays free.
import { may, say } from "./commands.js";
import { lay, lift } from "./covers.js";
import { byId, el, show, write } from "./dom.js";
import { holdButton } from "./hold.js";
import { now, onChange } from "./store.js";

let open = null; // {bound, key, stays, asking, judge} of the sheet that is shown

export function closeSheet() {
  if (!open) return;
  open = null;
  const sheet = byId("sheet");
  lift(sheet);
  show(sheet, false);
  sheet.replaceChildren();
}

// `bound.to(state)` names what the sheet is about, null when that is not to be had. When it is not the same any more the
// sheet closes and says so: its ticks were made for something else. `stays` when the page goes blind: what was typed is
// about nothing that could change. `act.run` returns why it was not done, "" when it was; until then the sheet is open.
// `act.forget` drops what was typed when a person cancels.
// Returns a function that judges the button anew, null when there is nothing to ask.
export function openSheet(title, parts, act, { wide = false, bound = null, stays = false } = {}) {
  const key = bound ? bound.to(now.state) : "";
  if (key === null) return null;
  const ticks = parts.filter((part) => part.tick);
  const why = el("p", { class: "wrong", role: "alert", id: "sheet-why", hidden: true });
  const mine = { bound, key, stays, asking: false };
  const ready = () => !mine.asking && (act.free || may()) && ticks.every((part) => part.tick.checked) && (act.ready?.() ?? true);
  const { button } = holdButton(act.text, async () => {
    if (!ready()) return;
    mine.asking = true;
    mine.judge();
    show(why, false);
    const failed = await act.run();
    mine.asking = false;
    if (open !== mine) return;
    if (!failed) return closeSheet();
    write(why, failed);
    show(why, true);
    mine.judge();
  }, { id: "sheet-do", first: true });
  const leave = () => {
    act.forget?.();
    closeSheet();
  };
  const cancel = el("button", { class: "press", type: "button", id: "sheet-cancel", onclick: leave }, "Cancel");
  mine.judge = () => (button.disabled = !ready());
  const sheet = byId("sheet");
  sheet.replaceChildren(el("h2", { id: "sheet-title" }, title), ...parts.map((part) => part.node ?? part), why, el("div", { class: "row2" }, cancel, button));
  sheet.oninput = mine.judge;
  sheet.className = wide ? "sheet wide" : "sheet";
  open = mine;
  show(sheet, true);
  lay(sheet, leave);
  mine.judge();
  sheet.querySelector("input, select, button").focus();
  return mine.judge;
}

export function tick(text) {
  const box = el("input", { type: "checkbox" });
  return { tick: box, node: el("label", { class: "tick" }, box, text) };
}

function ended({ bound, key, stays }) {
  if (now.blind) return stays ? "" : "no data";
  const about = bound ? bound.to(now.state) : key;
  if (about === key) return "";
  return about === null ? "this is not asked for now" : bound.changed;
}

onChange(() => {
  if (!open) return;
  const why = ended(open);
  if (!why) return open.judge();
  const { asking } = open;
  closeSheet();
  if (!asking) say(`The sheet was closed: ${why}. Look again.`); // else it is this sheet's own act that shows
});
