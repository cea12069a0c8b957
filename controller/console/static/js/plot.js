// Runs in the frame of the plots, whose thread is not the page's: reading four megabytes of script and drawing hours of
// data hold up nothing but the plots. Not a module: this frame has no origin, and a module would need one.
"use strict";

(() => {
  const SETTINGS = { displayModeBar: false, responsive: true, scrollZoom: true, doubleClick: "reset" };
  const page = location.origin; // of the address; the frame's own is none
  const plotted = () => Boolean(document.getElementById("plot").layout);
  const tell = (message) => parent.postMessage(message, page);

  addEventListener("message", async ({ source, origin, data }) => {
    if (source !== parent || origin !== page) return;
    if (data?.kind === "zoom" && plotted()) data.by ? zoom.by(data.by) : zoom.whole();
    if (data?.kind !== "figure") return;
    document.documentElement.style.background = data.layout.paper_bgcolor;
    await Plotly.react("plot", data.traces, data.layout, SETTINGS);
    tell({ kind: "drawn", number: data.number });
  });
  if (typeof Plotly === "object") tell({ kind: "ready" });
})();
