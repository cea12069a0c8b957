// The self-test in words: what it waits for, and what is to be done when it does not pass.
import { named } from "./format.js";

// The contactor is proved last, when all else has passed: that takes a moment, and one that fails stands where it is.
export const PROOFS = ["heater power through the proof", "contactor closes when asked", "contactor opens without its lease", "contactor opens when released"];
const PROVES_S = 15;
const SHOWN = 3;
let restedS = null; // since when all but the proof has passed

const told = (checks) => {
  const more = checks.length > SHOWN ? [`${checks.length - SHOWN} more: see Guide`] : [];
  return [...checks.slice(0, SHOWN).map((c) => `${named(c.name)}: ${c.measured}, allowed: ${c.allowed}`), ...more].join("; ");
};

// Of a state in this step; null where what the controller says is all there is to say.
export function selfTest(s) {
  if (s.step !== "self_test" || s.hold || s.trips.length) {
    restedS = null;
    return null;
  }
  const failing = s.checks.filter((check) => !check.passed);
  const atRest = failing.filter((check) => !PROOFS.includes(check.name));
  if (atRest.length) {
    restedS = null;
    const causes = atRest.filter((check) => check.name !== "signals");
    return { waits: told(causes.length ? causes : atRest), person: "Mend what is named; the test goes on by itself." };
  }
  restedS ??= s.now_s;
  const measured = failing.filter((check) => check.measured !== "unknown");
  if (!measured.length && s.now_s - restedS < PROVES_S) return failing.length ? { waits: "the proof of the contactor", person: s.person } : null;
  return { waits: told(measured.length ? measured : failing), person: "Mend what is named, then Hold and Resume: it is tested anew." };
}
