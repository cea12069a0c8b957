// What the page knows now, and who wants to be told. `blind` says that it knows nothing.
export const now = {
  state: null, // the last state that was fresh; null before the first
  seq: null,
  blind: true,
  why: "The page waits for the controller.",
  ageMs: Infinity,
  entries: 0,
  serverMs: null, // the server's clock when the last message was sent
  atMs: 0, // this page's clock when it came
  session: null,
  fields: {},
  scales: {},
  facts: null, // treatments, probes and limits of this controller; asked for once
};

const listeners = new Set();

export function onChange(listener) {
  listeners.add(listener);
}

// What a painter that failed has left behind is old or half done: then the page knows nothing, until all can be painted.
export function changed() {
  const failed = paint();
  if (failed === null) return;
  now.blind = true;
  now.why = `The page has failed: ${failed}. Load it again.`;
  paint();
}

function paint() {
  let failed = null;
  for (const listener of listeners) {
    try {
      listener(now);
    } catch (error) {
      failed ??= String(error);
    }
  }
  return failed;
}

export const limit = (name) => {
  const runtime = now.state?.runtime;
  const tight = now.state?.tightened?.[name];
  if (tight !== undefined) return tight;
  return runtime?.limits?.[name] ?? runtime?.protocol?.[name] ?? null;
};

export const isTight = (name) => now.state?.tightened?.[name] !== undefined;
