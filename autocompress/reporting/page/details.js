// One point in detail: measurements against the teacher and the limits, schedule, costs, and its voice.
function drawMeasurements(point) {
  const rows = Object.values(point.measurements).map((m) => {
    const limits = report.constraints.filter((c) => c.key === m.key);
    const margins = limits.map((c) => {
      const room = (c.side === "max" ? c.limit - m.value : m.value - c.limit) / Math.abs(c.limit || 1);
      return `<span class="${room >= 0 ? "holds" : "breaks"}">${c.text}: ${(100 * room).toFixed(1)} % ${room >= 0 ? "room" : "beyond"}</span>`;
    });
    return `<tr><th scope="row">${label(m.key)}</th><td>${showMeasured(m)}</td><td>${showMeasured(report.teacher[m.key])}</td><td>${margins.join("<br>") || "–"}</td><td>${m.source}</td></tr>`;
  });
  element("measurements").innerHTML = `<thead><tr><th>quantity</th><th>this point</th><th>teacher</th><th>limit, by the median</th><th>known by</th></tr></thead><tbody>${rows.join("")}</tbody>`;
}

function drawCosts(point) {
  const keys = Object.keys(point.costs);
  const traces = keys.flatMap((key, i) => {
    const own = point.costs[key], teacher = report.teacher_costs[key] || {};
    const parts = [...new Set([...Object.keys(teacher), ...Object.keys(own)])];
    const bars = (title, from, tone) => ({ type: "bar", orientation: "h", name: title, legendgroup: title, showlegend: i === 0, y: parts, x: parts.map((c) => from[c] ?? 0), marker: { color: colour(tone) },
      xaxis: i ? `x${i + 1}` : "x", yaxis: i ? `y${i + 1}` : "y", hovertemplate: `%{y}: %{x:.4g} ${UNITS[key] ? UNITS[key].unit : ""}<extra>${title}</extra>` });
    return [bars("teacher", teacher, "--accent"), bars("this point", own, "--candidate")];
  });
  const bars = keys.map((key) => new Set([...Object.keys(point.costs[key]), ...Object.keys(report.teacher_costs[key] || {})]).size);
  const extra = { barmode: "group", height: 110 + 90 * keys.length + 30 * bars.reduce((a, b) => a + b, 0), ...stacked(keys, bars) };
  draw("cost-plot", traces, extra, "No costs by component were saved for this point.");
}

function stacked(keys, bars) { // one row of plots a quantity, as high as it has components
  const total = bars.reduce((a, b) => a + b, 0), gap = 0.12, axes = {};
  let top = 1;
  keys.forEach((key, i) => {
    const n = i ? i + 1 : "", height = (1 - gap * (keys.length - 1)) * (bars[i] / total);
    axes[`xaxis${n}`] = { title: { text: label(key) }, anchor: `y${n}` };
    axes[`yaxis${n}`] = { domain: [Math.max(0, top - height), top], anchor: `x${n}` };
    top -= height + gap;
  });
  return axes;
}

const BITS = [0, 4, 8, 16, 32];
function drawSchedule(point) {
  const rows = point.schedule;
  const units = rows.map((r) => r.unit);
  const words = rows.map((r) => safe(`${r.unit}: ${r.words}; ${r.bits ? `${r.bits} bits` : "no weights"}; computes ${r.compute || "nothing"}`));
  const step = (r) => BITS.findIndex((b) => b >= r.bits);
  const traces = rows.length === 0 ? [] : [
    { type: "heatmap", x: units, y: ["kept"], z: [rows.map((r) => 100 * r.kept)], zmin: 0, zmax: 100, colorscale: "Viridis", text: [words], hovertemplate: "%{text}<extra></extra>", xgap: 1, colorbar: { title: { text: "kept %" }, thickness: 10, len: 0.45, y: 0.78 } },
    { type: "heatmap", x: units, y: ["bits"], z: [rows.map(step)], zmin: 0, zmax: 4, colorscale: "Cividis", text: [words], hovertemplate: "%{text}<extra></extra>", xgap: 1, yaxis: "y2", colorbar: { title: { text: "bits" }, tickvals: [0, 1, 2, 3, 4], ticktext: BITS.map(String), thickness: 10, len: 0.45, y: 0.25 } },
  ];
  element("schedule-plot").style.minWidth = `${Math.max(300, 15 * units.length)}px`;
  draw("schedule-plot", traces, { height: 340, xaxis: { tickangle: -90, tickfont: { size: 10 }, anchor: "y2" }, yaxis: { domain: [0.55, 1] }, yaxis2: { domain: [0, 0.45] } }, "No schedule: the run does not name the teacher's dimensions, or the point is not on the front.");
  element("schedule").innerHTML = `<thead><tr><th>unit</th><th>kept</th><th>pruned</th><th>bits</th><th>computes</th></tr></thead><tbody>${rows.map((r) => `<tr><th scope="row">${safe(r.unit)}</th><td>${safe(r.words)}</td><td>${(100 * (1 - r.kept)).toFixed(0)} %</td><td>${r.bits || "–"}</td><td>${safe(r.compute || "–")}</td></tr>`).join("")}</tbody>`;
}

const player = element("player");
const playing = { sentence: null, who: null };

function clipOf(sentence, who) {
  const point = byCandidate.get(state.selected);
  return who === "teacher" ? sentence.teacher_clip : point ? point.clips[sentence.id] : null;
}

function play(sentence, who) {
  const clip = clipOf(sentence, who);
  if (!clip) return;
  const switching = playing.sentence === sentence.id && !player.ended && player.duration > 0;
  const share = switching ? player.currentTime / player.duration : 0; // the other voice goes on at the same place
  Object.assign(playing, { sentence: sentence.id, who });
  player.src = report.clips[clip];
  player.dataset.clip = clip;
  player.onloadedmetadata = () => { if (share > 0) player.currentTime = share * player.duration; };
  player.play().catch((error) => { if (error.name !== "AbortError") element("now-playing").textContent = `Cannot play: ${error.message}`; });
  drawPlaying();
}

function drawPlaying() {
  for (const button of document.querySelectorAll("#sentences button"))
    button.setAttribute("aria-pressed", String(button.dataset.sentence === playing.sentence && button.dataset.who === playing.who));
  element("now-playing").textContent = playing.sentence ? `${playing.who === "teacher" ? "Teacher" : name(byCandidate.get(state.selected))}, sentence ${playing.sentence}` : "";
}

function drawListen(point) {
  const rows = report.sentences.filter((s) => s.teacher_clip || point.clips[s.id]);
  element("sentences").replaceChildren(...rows.map((s) => {
    const item = document.createElement("li");
    const line = document.createElement("p");
    line.textContent = `${s.text} (${s.voice})`;
    item.append(line, ...["teacher", "candidate"].map((who) => {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", textContent: who === "teacher" ? "Teacher" : "Candidate", className: who, disabled: !clipOf(s, who) });
      Object.assign(button.dataset, { sentence: s.id, who });
      button.addEventListener("click", () => play(s, who));
      return button;
    }));
    return item;
  }));
  player.hidden = rows.length === 0;
  if (rows.length === 0) element("now-playing").textContent = "No audio was saved for this run.";
  else drawPlaying();
}

function drawDetails(candidate) {
  const point = byCandidate.get(candidate);
  if (!point) return;
  element("details-title").textContent = `${name(point)} (${point.candidate})${point.failure ? `: ${point.failure}` : ""}`;
  element("details").dataset.candidate = candidate;
  drawMeasurements(point);
  drawCosts(point);
  drawSchedule(point);
}

function select(candidate) {
  if (playing.who === "candidate" && candidate !== state.selected) { player.pause(); Object.assign(playing, { sentence: null, who: null }); }
  state.selected = candidate;
  drawDetails(candidate);
  if (byCandidate.has(candidate)) drawListen(byCandidate.get(candidate));
  drawFront(); drawParallel(); drawTable();
}
