// Bursts by Web Audio, from the table that the server hands out; the controller says which priority sounds, and when a
// HIGH that nobody answers is to be heard more often.
import { byId, show } from "./dom.js";
import { now, onChange } from "./store.js";

const AHEAD_S = 0.1; // from the order to the first pulse
let audio = null;
let table = null; // by name: pulse_s, gaps_s, rise_s, repeat_s, level_db, fundamental_hz, harmonics_db
let playing = ""; // which sound of the table is running
let endsS = 0; // when its burst of now ends, by the audio clock
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

function burst(kind, fromS = 0) {
  const sound = table?.[kind];
  if (!sound || !audio) return;
  heard.bursts += 1;
  hush();
  running = audio.createGain();
  running.connect(audio.destination);
  let at = Math.max(fromS, audio.currentTime + AHEAD_S);
  pulse(at, sound);
  for (const gap of sound.gaps_s) {
    at += sound.pulse_s + gap;
    pulse(at, sound);
  }
  endsS = at + sound.pulse_s;
  repeat(kind);
}

function repeat(kind) {
  const pause = table[kind].repeat_s;
  const fromS = endsS + pause;
  if (pause) timer = setTimeout(() => burst(kind, fromS), (fromS - AHEAD_S - audio.currentTime) * 1000);
}

const pulses = (kind) => JSON.stringify([table?.[kind]?.pulse_s, table?.[kind]?.gaps_s, table?.[kind]?.level_db]);

// A burst that nobody is to hear any more ends at once, and never sounds on into the next one.
function hush() {
  running?.disconnect();
  running = null;
}

function follow(kind) {
  if (kind === playing) return;
  clearTimeout(timer);
  const same = running && kind && playing && pulses(kind) === pulses(playing);
  playing = kind;
  if (same) return repeat(kind); // only the pauses differ: the burst of now is heard to its end
  hush();
  if (kind && heard.tested) burst(kind);
}

export function soundTest() {
  context();
  heard.tested = true;
  const was = playing;
  playing = "";
  clearTimeout(timer);
  burst("medium");
  clearTimeout(timer);
  playing = "";
  setTimeout(() => follow(was), 2000);
  show(byId("unheard"), false);
}

function wanted() {
  if (now.blind && playing === "high_unanswered") return playing; // nobody has answered it by losing sight of it
  if (now.blind) return now.state ? "high" : "";
  const kind = (now.state.sounding ?? "").toLowerCase();
  return kind === "high" && now.state.escalation?.after_s > 0 ? "high_unanswered" : kind;
}

export function sounds() {
  byId("unheard").addEventListener("click", soundTest);
  onChange(() => {
    follow(wanted());
    show(byId("unheard"), !heard.tested);
  });
}
