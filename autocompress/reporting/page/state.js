// What is shown: the report's data, the chosen point, axes and filters. Views redraw when it changes.
"use strict";
const report = JSON.parse(document.getElementById("report-data").textContent);
const byCandidate = new Map(report.points.map((p) => [p.candidate, p]));
const element = (id) => document.getElementById(id);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const UNITS = report.units;
const quantities = Object.keys(UNITS).filter((key) => report.points.some((p) => p.measurements[key]));
const label = (key) => (UNITS[key] && UNITS[key].unit !== "1" ? `${key} [${UNITS[key].unit}]` : key);
const value = (point, key) => (point.measurements[key] ? point.measurements[key].value : null);
const better = (key) => (UNITS[key] ? UNITS[key].better : "min");
const show = (x) => (x === null || x === undefined ? "–" : Math.abs(x) >= 100 ? x.toFixed(1) : String(Number(x.toPrecision(3))));

const safe = (text) => String(text).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);

function showMeasured(m) {
  if (!m) return "–";
  return m.low === m.high ? show(m.value) : `${show(m.value)} (${show(m.low)} to ${show(m.high)})`;
}

function pickAxes() {
  const wanted = [...report.objectives, "size_mb", "latency_s", ...quantities].filter((k) => quantities.includes(k));
  const [x, y, c] = [...new Set(wanted)];
  return { x: x || "", y: y || x || "", colour: c || y || x || "" };
}

const TEACHER = "teacher"; // not a trial, but shown and hidden like one
const STANDINGS = { front: "front", nearest: "nearest to the limits", other: "beaten", infeasible: "beyond a limit", failed: "failed" };
const state = {
  axes: pickAxes(),
  shown: new Set(["front", "nearest"]),
  filters: {}, // key -> [low, high], null where open
  selected: null,
  sort: { key: "", down: false },
};

function passes(point) {
  return Object.entries(state.filters).every(([key, [low, high]]) => {
    const x = value(point, key);
    return (low === null && high === null) || (x !== null && (low === null || x >= low) && (high === null || x <= high));
  });
}
const visible = () => report.points.filter((p) => state.shown.has(p.standing) && passes(p));

function name(point) {
  return `Trial ${point.number}${point.picks.length ? ` · ${point.picks.join(", ")}` : ""}`;
}

function layout(extra) {
  const axis = { gridcolor: colour("--line"), zerolinecolor: colour("--line"), automargin: true };
  const base = {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: colour("--ink"), size: 12 },
    margin: { l: 10, r: 10, t: 20, b: 10 }, hovermode: "closest", legend: { orientation: "h", y: -0.25 },
  };
  const merged = { ...base, ...extra };
  for (const key of ["xaxis", "yaxis", ...Object.keys(merged).filter((k) => /^[xy]axis\d/.test(k))])
    merged[key] = { ...axis, ...(merged[key] || {}) };
  return merged;
}

function draw(id, traces, extra, absent) {
  const box = element(id);
  box.classList.toggle("empty", traces.length === 0);
  if (traces.length === 0) {
    Plotly.purge(box);
    box.textContent = absent;
    return box;
  }
  if (!box.data) box.textContent = "";
  Plotly.react(box, traces, layout(extra), { responsive: true, displaylogo: false });
  return box;
}
