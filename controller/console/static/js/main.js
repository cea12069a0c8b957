// Puts the page together. Everything shown comes from the telemetry; nothing is decided here.
import { acts, nextButton, reportButton, setUpButton } from "./acts.js";
import { alarms } from "./alarms.js";
import { chrome, goTo } from "./chrome.js";
import { loadSession } from "./commands.js";
import { putOff } from "./deadman.js";
import { byId, el } from "./dom.js";
import { engineer } from "./engineer.js";
import { guide } from "./guide.js";
import { limits } from "./limits.js";
import { connect } from "./link.js";
import { lastEvents, log } from "./log.js";
import { standing } from "./signin.js";
import { loadSounds, sounds } from "./sound.js";
import { clockCard, stepCard } from "./step.js";
import { stopButton } from "./stop.js";
import { changed, now } from "./store.js";
import { tiles } from "./tiles.js";
import { trends } from "./trends.js";

async function begin() {
  const [table] = await Promise.all([fetch("fields").then((answer) => answer.json()), loadSession()]);
  now.fields = table.fields;
  now.scales = table.scales;
  loadSounds(table.sounds);
  const stop = stopButton();
  const trend = trends(byId("view-trends"));
  chrome({ themed: () => trend.redraw() });
  alarms({ openLog: () => goTo("log") });
  byId("view-main").append(tiles(), el("div", { class: "right" }, stepCard(...standing(), setUpButton("setup"), nextButton(), reportButton(() => goTo("guide"))), clockCard(), lastEvents()));
  guide(byId("view-guide"));
  limits(byId("view-limits"));
  log(byId("view-log"));
  engineer(byId("view-engineer"));
  acts(stop.button);
  sounds();
  goTo("main");
  connect({ stopSaid: stop.said, back: () => trend.redraw(), refreshed: putOff });
  changed();
  document.documentElement.dataset.ready = "true";
}

begin().catch((error) => {
  byId("blind-why").textContent = `The page could not begin: ${error.message}. Load it again.`;
});
