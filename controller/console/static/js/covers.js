// What lies over the view, the last that was opened on top: it can be read and closed whatever else is open. Escape
// closes it, what it covers waits, and the focus goes back to what opened it.
import { byId } from "./dom.js";

const covers = []; // {node, close, from}, the one on top last

export const isOnTop = (node) => covers.at(-1)?.node === node;

export function lay(node, close) {
  const known = take(node);
  const from = document.activeElement;
  covers.push({ node, close, from: known && node.contains(from) ? known.from : from });
  stack();
}

// Before the node is hidden or emptied, or nobody knows any more whether it had the focus.
export function lift(node) {
  const known = take(node);
  if (!known) return;
  const focused = document.activeElement;
  const had = focused === document.body || node.contains(focused);
  node.inert = false;
  stack();
  if (had) queueMicrotask(() => giveBack(known)); // when all of the page is painted: what opened it may be gone
}

function take(node) {
  const at = covers.findIndex((each) => each.node === node);
  return at < 0 ? null : covers.splice(at, 1)[0];
}

function stack() {
  for (const { node } of covers) {
    node.inert = !isOnTop(node);
    node.classList.toggle("top-most", isOnTop(node));
  }
}

function giveBack({ node, from }) {
  const focused = document.activeElement;
  if (focused !== document.body && !node.contains(focused)) return; // a person was faster
  const usable = from !== document.body && from.isConnected && !from.disabled && from.checkVisibility() && !from.closest("[inert]");
  (usable ? from : byId("main")).focus();
}

document.addEventListener("keydown", (event) => event.key === "Escape" && covers.at(-1)?.close());
