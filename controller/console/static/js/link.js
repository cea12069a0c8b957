// The websocket: newest state in, acknowledgement out, and how old what is shown may be at most.
//
// Every message hands back the page's own clock as it was when the page acknowledged the message before. What is shown
// is never older than that, whatever lies between: a dead server, a frozen socket and a full buffer all age alike.
import { loadSession } from "./commands.js";
import { changed, now } from "./store.js";

export const BLIND_MS = 1000;
const AGAIN_MS = 400;
const SILENT_MS = 5000; // a socket that says nothing for so long may be open at this end only
const NO_SESSION = 4401;
let socket = null;
let openedMs = 0;
let heardMs = 0; // when the socket was opened, or last said anything
let lastSeq = null;
let freshMs = -Infinity; // page time that the newest state is certainly not older than
let onStopSaid = () => {};
let onBack = () => {};
let fresh = () => {};

export function connect({ stopSaid, back, refreshed }) {
  onStopSaid = stopSaid;
  onBack = back;
  fresh = refreshed;
  open();
  setInterval(look, 100);
  document.addEventListener("visibilitychange", look);
}

export function sendStop() {
  if (socket?.readyState !== WebSocket.OPEN) return false;
  socket.send('{"stop":true}');
  return true;
}

function open() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket?.close();
  const mine = new WebSocket(`${scheme}://${location.host}/telemetry`);
  socket = mine;
  openedMs = heardMs = performance.now();
  let first = true;
  mine.onmessage = (event) => {
    if (mine !== socket) return;
    heardMs = performance.now();
    take(JSON.parse(event.data), first);
    first = false;
  };
  mine.onclose = (event) => {
    if (mine !== socket) return;
    setTimeout(() => mine === socket && again(event.code === NO_SESSION), AGAIN_MS);
    look();
  };
}

// A server that was restarted knows no session. The page stays as it is: loaded anew it could not sound before a person
// has touched it.
async function again(renewed) {
  if (renewed) await loadSession().catch(() => {}); // not yet: the next socket is refused again
  open();
}

function take(message, first) {
  const atMs = performance.now();
  if (message.kind === "stop") {
    onStopSaid(message.error);
    return;
  }
  socket.send(JSON.stringify({ ack_ms: atMs }));
  now.serverMs = message.server_ms;
  now.atMs = atMs;
  now.entries = message.entries;
  if (now.session) now.session.role = message.role ?? "viewer"; // who is idle for long is signed out by the server
  if (message.kind === "lost") {
    now.why = message.body;
    look();
    return;
  }
  // A state with an old number is not a new one, however often it comes.
  if (message.seq === lastSeq) return;
  lastSeq = message.seq;
  freshMs = (message.echo_ms ?? openedMs) - message.held_ms;
  const was = now.blind;
  now.state = message.body;
  now.seq = message.seq;
  now.why = "No fresh values arrive.";
  judge();
  changed();
  if (!now.blind) fresh(BLIND_MS - now.ageMs);
  if (first || (was && !now.blind)) onBack();
}

function judge() {
  now.ageMs = performance.now() - freshMs;
  now.blind = !(now.ageMs <= BLIND_MS) || !now.state || Boolean(now.state.failed);
  if (now.state?.failed) now.why = `The controller has failed and holds everything off: ${now.state.runtime?.failure ?? ""}`;
}

function look() {
  if (performance.now() - heardMs > SILENT_MS) open();
  const before = now.blind;
  judge();
  if (now.blind || before !== now.blind) changed();
}
