// Who is at the page: the sheet that takes a role, and the word beside the dashed controls that says what is missing.
import { say, signIn } from "./commands.js";
import { el, show, write } from "./dom.js";
import { openSheet } from "./sheet.js";
import { now, onChange } from "./store.js";

const ROLES = [["operator", "Operator"], ["engineer", "Engineer"], ["viewer", "Viewer"]];
const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "⌫", "0"];

export const roleShown = (session) => (session ? `${session.role}${session.local ? "" : ", remote"}` : "");

export function signInSheet() {
  if (!now.session) return;
  const role = el("select", { id: "role" }, ...ROLES.map(([value, text]) => el("option", { value }, text)));
  role.value = now.session.role === "viewer" ? "operator" : now.session.role;
  const pin = el("input", { type: "password", inputmode: "numeric", maxlength: 12, id: "pin", autocomplete: "off" });
  const press = (key) => (pin.value = key === "⌫" ? pin.value.slice(0, -1) : pin.value + key);
  const pad = el("div", { class: "keys" }, ...KEYS.map((key) => el("button", { class: "press", type: "button", onclick: () => press(key) }, key)));
  const asks = now.session.pins ? [el("label", {}, "PIN", pin), pad] : [el("p", {}, "No PINs are set: whoever stands at this machine is its operator.")];
  openSheet("Who is at the console", [el("label", {}, "Role", role), ...asks], {
    text: "Take the role",
    free: true,
    run: async () => {
      const why = await signIn(role.value, pin.value);
      say(why || `Role: ${role.value}`);
      pin.value = ""; // a wrong one is typed anew
      return why;
    },
  }, { stays: true });
}

// In the step card: to sign in, or that this page is at another machine.
export function standing() {
  const button = el("button", { class: "press first", type: "button", id: "sign-in", onclick: signInSheet });
  const note = el("p", { id: "elsewhere" }, "From another machine: Hold and STOP only.");
  onChange(() => {
    const session = now.blind ? null : now.session;
    const viewer = session?.role === "viewer";
    show(button, Boolean(session) && viewer);
    write(button, session?.local ? "Sign in to act …" : "Sign in to hold …");
    show(note, Boolean(session) && !session.local && !viewer);
  });
  return [button, note];
}
