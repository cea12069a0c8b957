// Numbers as words: label, unit and decimals come from the server's table of fields and from nowhere else.
import { now } from "./store.js";

export const DASHES = "– –";
const CHOICES = {
  "°C": { fahrenheit: { unit: "°F", of: (v) => v * 1.8 + 32, more: 0 } },
  "L/min": { millilitres: { unit: "mL/min", of: (v) => v * 1000, more: -9 } },
};
const KEPT = "units"; // by this browser, as the theme is
export const chosen = { "°C": "", "L/min": "", ...kept() };

function kept() {
  try {
    const found = Object.entries(JSON.parse(localStorage.getItem(KEPT) ?? "{}"));
    return Object.fromEntries(found.filter(([unit, name]) => CHOICES[unit]?.[name]));
  } catch {
    return {}; // written by nobody who knows these units
  }
}

export function choose(unit, name) {
  chosen[unit] = name;
  localStorage.setItem(KEPT, JSON.stringify(chosen));
}

const field = (name) => now.fields[name];
const choice = (unit) => CHOICES[unit]?.[chosen[unit]];

export const label = (name) => field(name)?.label ?? name;
export const unit = (name) => choice(field(name)?.unit)?.unit ?? field(name)?.unit ?? "";

function number(name, value, decimals) {
  if (value === null || value === undefined || !Number.isFinite(value)) return DASHES;
  const other = choice(field(name).unit);
  const places = Math.max(0, decimals + (other?.more ?? 0));
  const text = (other ? other.of(value) : value).toFixed(places);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

// A text of the controller with the labels of its signals in the place of their names.
export const named = (text) => text.replace(/\b[a-z]+(?:_[a-z0-9]+)+\b/g, label);

export const minus = (text) => text.replace(/(^|[^\w])-(?=\d)/g, "$1−");

// The large numerals, read at a glance.
export const glance = (name, value) => number(name, value, field(name).glance);
// As fine as it is measured.
export const fine = (name, value) => number(name, value, field(name).decimals);
export const withUnit = (name, value) => `${glance(name, value)} ${unit(name)}`.trim();

export function clock(minutes) {
  if (minutes === null || minutes === undefined || !Number.isFinite(minutes)) return "– : –";
  const seconds = Math.max(0, Math.floor(minutes * 60 + 1e-6));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

export function converted(name, value) {
  const other = choice(field(name).unit);
  return value === null || value === undefined ? null : other ? other.of(value) : value;
}
