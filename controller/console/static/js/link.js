// The websocket: newest state in, acknowledgement out, and how old what is shown may be at most.
//
// Every message hands back the page's own clock as it was when the page acknowledged the message before. What is shown
// is never older than that, whatever lies between: a dead server, a frozen socket and a full buffer all age alike.
import { changed, now } from "./store.js";

export const BLIND_MS = 1000;
const AGAIN_MS = 400;
let socket = null;
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
  const mine = new WebSocket(`${scheme}://${location.host}/telemetry`);
  socket = mine;
  let first = true;
  mine.onmessage = (event) => {
    if (mine !== socket) return;
    take(JSON.parse(event.data), first);
    first = false;
  };
  mine.onclose = (event) => {
    if (mine !== socket) return;
    if (event.code === 4401) setTimeout(() => location.reload(), AGAIN_MS); // the server was restarted: a new session
    else setTimeout(open, AGAIN_MS);
    look();
  };
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
  if (message.kind === "lost") {
    now.why = message.body;
    look();
    return;
  }
  // A state with an old number is not a new one, however often it comes.
  if (message.seq === lastSeq) return;
  lastSeq = message.seq;
  freshMs = (message.echo_ms ?? atMs) - message.held_ms;
  const was = now.blind;
  now.state = message.body;
  now.seq = message.seq;
  now.why = "No fresh values arrive.";
  judge();
  fresh(BLIND_MS - now.ageMs);
  changed();
  if (first || (was && !now.blind)) onBack();
}

function judge() {
  now.ageMs = performance.now() - freshMs;
  now.blind = !(now.ageMs <= BLIND_MS) || !now.state || Boolean(now.state.failed);
  if (now.state?.failed) now.why = `The controller has failed and holds everything off: ${now.state.runtime?.failure ?? ""}`;
}

function look() {
  const before = now.blind;
  judge();
  if (now.blind || before !== now.blind) changed();
}
