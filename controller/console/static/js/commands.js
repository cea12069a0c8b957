// What the page asks of the controller: numbered, dated, and done only when the telemetry shows it.
import { changed, now } from "./store.js";

const SEEN_MS = 5000;
const PAGE = crypto.randomUUID(); // beside the session, which all pages of a browser share
let number = 0; // of this page's last command
let pending = null; // {text, done, untilMs}
let said = "";
let saidUntilMs = 0;

export const saying = () => (pending ? `${pending.text} …` : performance.now() < saidUntilMs ? said : "");

export function say(text, forMs = 8000) {
  said = text;
  saidUntilMs = performance.now() + forMs;
  changed();
}

// Of this browser; a new one where the server knows none. Raises when the server does not answer.
export async function loadSession() {
  let answer = await fetch("session");
  if (answer.status === 401) {
    await fetch("./", { cache: "no-store" }); // the page brings the session along
    answer = await fetch("session");
  }
  if (!answer.ok) throw new Error(`no session (${answer.status})`);
  now.session = await answer.json();
  changed();
}

export function post(path, body) {
  return fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrf": now.session?.csrf ?? "" },
    body: JSON.stringify(body),
  });
}

export const serverNow = () => now.serverMs + (performance.now() - now.atMs);

// Asked without a word on the page. Returns why it was not done, "" when it was.
export async function quietly(act, value, text, path = "command") {
  if (now.blind || !now.session) return "no data";
  try {
    const answer = await post(path, { page: PAGE, number: ++number, issued_ms: serverNow(), act, value, text });
    return answer.ok ? "" : ((await answer.json()).error ?? `refused (${answer.status})`);
  } catch {
    return "the server does not answer";
  }
}

// Returns why the controller did not take it, "" when it did. `done(state)` says when it is to be seen.
export async function command(act, { value = null, text = "", setup = null, title = act, done = () => true } = {}) {
  if (now.blind || !now.session) return "no data";
  pending = { text: title, done: () => false, untilMs: Infinity };
  changed();
  let why = "";
  try {
    const answer = await post("command", { page: PAGE, number: ++number, issued_ms: serverNow(), act, value, text, setup });
    if (!answer.ok) why = (await answer.json()).error ?? `refused (${answer.status})`;
  } catch {
    why = "the server does not answer";
  }
  if (why) {
    pending = null;
    say(`${title}: not done. ${why}`);
    return why;
  }
  pending = { text: title, done, untilMs: performance.now() + SEEN_MS };
  check();
  return "";
}

export function check() {
  if (!pending) return;
  if (now.state && !now.blind && pending.done(now.state)) {
    const { text } = pending;
    pending = null;
    say(`${text}: done`, 4000);
  } else if (performance.now() > pending.untilMs) {
    const { text } = pending;
    pending = null;
    say(`${text}: taken, but not seen to be done. Check.`);
  }
}

export async function signIn(role, pin) {
  try {
    const answer = await post("role", { role, pin });
    const body = await answer.json();
    if (!answer.ok) return body.error;
    await loadSession();
    return "";
  } catch {
    return "the server does not answer";
  }
}

export async function postStop() {
  try {
    const answer = await fetch("stop", { method: "POST", keepalive: true });
    return answer.ok ? "" : ((await answer.json()).error ?? `refused (${answer.status})`);
  } catch {
    return "the server does not answer";
  }
}

// From another machine an operator can hold, and nothing else; STOP asks nobody.
export const mayHold = () => Boolean(now.session) && now.session.role !== "viewer" && !now.blind;
export const may = () => mayHold() && now.session.local;
