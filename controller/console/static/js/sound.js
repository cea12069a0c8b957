// Bursts by Web Audio, from the table that the server hands out; the controller says which priority sounds.
import { byId, show } from "./dom.js";
import { now, onChange } from "./store.js";

let audio = null;
let table = null; // by name: pulse_s, gaps_s, rise_s, repeat_s, level_db, fundamental_hz, harmonics_db
let playing = ""; // priority whose bursts are running
let timer = null;
let running = null; // the node that the burst of now sounds through
export const heard = { tested: false, bursts: 0 };

export function loadSounds(sounds) {
  table = sounds;
}

function context() {
  audio ??= new AudioContext();
  if (audio.state === "suspended") audio.resume();
  return audio;
}

// A pulse counts from 90 % of its rise to 90 % of its fall; the ramp begins before.
function pulse(at, sound) {
  const ramp = sound.rise_s / 0.8;
  const begin = at - 0.9 * ramp;
  const end = at + sound.pulse_s + 0.9 * ramp;
  const levels = sound.harmonics_db.map((db) => 10 ** (db / 20));
  const loud = (0.9 * 10 ** (sound.level_db / 20)) / levels.reduce((sum, level) => sum + level, 0);
  const gain = audio.createGain();
  gain.gain.setValueAtTime(0, begin);
  gain.gain.linearRampToValueAtTime(loud, begin + ramp);
  gain.gain.setValueAtTime(loud, end - ramp);
  gain.gain.linearRampToValueAtTime(0, end);
  gain.connect(running);
  levels.forEach((level, index) => {
    const tone = audio.createOscillator();
    const part = audio.createGain();
    tone.frequency.value = sound.fundamental_hz * (index + 1);
    part.gain.value = level;
    tone.connect(part).connect(gain);
    tone.start(begin);
    tone.stop(end);
  });
}

function burst(kind) {
  const sound = table?.[kind.toLowerCase()];
  if (!sound || !audio) return;
  heard.bursts += 1;
  hush();
  running = audio.createGain();
  running.connect(audio.destination);
  let at = audio.currentTime + 0.1;
  pulse(at, sound);
  for (const gap of sound.gaps_s) {
    at += sound.pulse_s + gap;
    pulse(at, sound);
  }
  if (sound.repeat_s) timer = setTimeout(() => burst(kind), (sound.length_s + sound.repeat_s) * 1000);
}

// A burst that nobody is to hear any more ends at once, and never sounds on into the next one.
function hush() {
  running?.disconnect();
  running = null;
}

function follow(kind) {
  if (kind === playing) return;
  clearTimeout(timer);
  hush();
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
  byId("unheard").addEventListener("click", soundTest);
  onChange(() => {
    follow(now.blind ? (now.state ? "HIGH" : "") : (now.state.sounding ?? ""));
    show(byId("unheard"), !heard.tested);
  });
}
