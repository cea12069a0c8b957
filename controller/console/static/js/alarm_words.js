// What is to be known of an alarm beside its text, in words.
export function standing(alarm, list) {
  const latched = alarm.latched && !alarm.present ? "cause gone, latched" : alarm.latched ? "latched" : "";
  return [alarm.first && list.length > 1 ? "FIRST" : "", alarm.acknowledged ? "acknowledged" : "", latched].filter(Boolean);
}

// Beside the alarm that is shown: how many more, and which came first where another did.
export function beside(list) {
  if (!list.length) return "";
  const first = list.find((alarm) => alarm.first);
  const more = list.length > 1 ? `+ ${list.length - 1} more` : "alarm list";
  return first && first !== list[0] ? `${more} · FIRST: ${first.title}` : more;
}
