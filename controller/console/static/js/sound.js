// Bursts by Web Audio, from the table that the server hands out; the controller says which priority sounds.
import { byId, show } from "./dom.js";
import { now, onChange } from "./store.js";

let audio = null;
let table = null; // {HIGH: {pulses: [{at_s, for_s, hz: [[hz, level]], rise_s}], every_s}, …, BLIND: …}
let playing = ""; // priority whose bursts are running
let timer = null;
export const heard = { tested: false, bursts: 0 };

export function loadSounds(sounds) {
  table = sounds;
}

function context() {
  audio ??= new AudioContext();
  if (audio.state === "suspended") audio.resume();
  return audio;
}

function pulse(at, { for_s: lasts, hz, rise_s: rise }) {
  const gain = audio.createGain();
  const total = hz.reduce((sum, [, level]) => sum + level, 0);
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(0.8 / total, at + rise);
  gain.gain.setValueAtTime(0.8 / total, at + lasts - rise);
  gain.gain.linearRampToValueAtTime(0, at + lasts);
  gain.connect(audio.destination);
  for (const [frequency, level] of hz) {
    const tone = audio.createOscillator();
    const part = audio.createGain();
    tone.frequency.value = frequency;
    part.gain.value = level;
    tone.connect(part).connect(gain);
    tone.start(at);
    tone.stop(at + lasts);
  }
}

function burst(kind) {
  const sound = table?.[kind];
  if (!sound || !audio) return;
  heard.bursts += 1;
  const from = audio.currentTime + 0.02;
  for (const each of sound.pulses) pulse(from + each.at_s, each);
  if (sound.every_s) timer = setTimeout(() => burst(kind), sound.every_s * 1000);
}

function follow(kind) {
  if (kind === playing) return;
  clearTimeout(timer);
  playing = kind;
  if (kind && heard.tested) burst(kind);
}

export function soundTest() {
  context();
  heard.tested = true;
  const was = playing;
  playing = "";
  clearTimeout(timer);
  burst("MEDIUM");
  clearTimeout(timer);
  playing = "";
  setTimeout(() => follow(was), 2000);
  show(byId("unheard"), false);
}

export function sounds() {
  onChange(() => {
    follow(now.blind ? (now.state ? "HIGH" : "") : (now.state.sounding ?? ""));
    show(byId("unheard"), !heard.tested);
  });
}
