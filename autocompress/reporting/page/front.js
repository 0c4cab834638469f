// The linked views of the front: scatter, parallel coordinates, and the table.
function errorBars(points, key) {
  const seen = points.map((p) => p.measurements[key]);
  return {
    type: "data", symmetric: false, thickness: 1, width: 0, color: colour("--faint"),
    array: seen.map((m) => (m ? m.high - m.value : 0)), arrayminus: seen.map((m) => (m ? m.value - m.low : 0)),
  };
}

const hover = (point) => `<b>${name(point)}</b><br>` + quantities.filter((k) => point.measurements[k])
  .map((k) => `${label(k)}: ${showMeasured(point.measurements[k])}`).join("<br>");

const MARKS = { front: "circle", nearest: "diamond", other: "circle-open", infeasible: "x", failed: "x" };

function frontTrace(standing) {
  const { x, y, colour: c } = state.axes;
  const points = visible().filter((p) => p.standing === standing && value(p, x) !== null && value(p, y) !== null);
  const chosen = points.map((p) => p.candidate === state.selected);
  const marker = { size: chosen.map((on) => (on ? 18 : 11)), symbol: MARKS[standing], line: { width: chosen.map((on) => (on ? 3 : 1)), color: colour("--ink") } };
  if (standing === "front")
    Object.assign(marker, { color: points.map((p) => value(p, c)), colorscale: "Viridis", reversescale: better(c) === "min", showscale: true, colorbar: { title: { text: label(c) }, thickness: 12 } });
  else Object.assign(marker, { color: colour("--faint") });
  return {
    type: "scatter", mode: "markers", name: STANDINGS[standing], x: points.map((p) => value(p, x)), y: points.map((p) => value(p, y)),
    error_x: errorBars(points, x), error_y: errorBars(points, y), customdata: points.map((p) => p.candidate), text: points.map(hover), hovertemplate: "%{text}<extra></extra>", marker,
  };
}

function limitShapes() {
  const { x, y } = state.axes;
  const limits = (key) => report.constraints.filter((c) => c.key === key);
  const shapes = [];
  for (const [key, reference] of [[x, "x"], [y, "y"]])
    for (const c of limits(key)) {
      const other = reference === "x" ? "y" : "x";
      shapes.push({ type: "line", [`${reference}0`]: c.limit, [`${reference}1`]: c.limit, [`${other}ref`]: "paper", [`${other}0`]: 0, [`${other}1`]: 1,
        line: { color: colour("--bad"), dash: "dash", width: 2 }, label: { text: c.text, font: { color: colour("--bad"), size: 11 } } });
    }
  return [...shapes, ...feasibleRegion(limits(x), limits(y))];
}

function span(limits, open) {
  const low = Math.max(-Infinity, ...limits.filter((c) => c.side === "min").map((c) => c.limit));
  const high = Math.min(Infinity, ...limits.filter((c) => c.side === "max").map((c) => c.limit));
  return [Number.isFinite(low) ? low : open[0], Number.isFinite(high) ? high : open[1]];
}

function range(key) { // of everything drawn and every limit, so that the limits stay in sight
  const seen = visible().map((p) => p.measurements[key]).filter(Boolean).flatMap((m) => [m.low, m.high]);
  const all = [...seen, ...report.constraints.filter((c) => c.key === key).map((c) => c.limit), ...(state.shown.has(TEACHER) && report.teacher[key] ? [report.teacher[key].value] : [])];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const room = 0.06 * (high - low || Math.abs(high) || 1);
  return all.length ? [low >= 0 ? Math.max(0, low - room) : low - room, high + room] : [0, 1];
}

function feasibleRegion(xs, ys) {
  if (!xs.length && !ys.length) return [];
  const [x0, x1] = span(xs, range(state.axes.x));
  const [y0, y1] = span(ys, range(state.axes.y));
  return [{ type: "rect", x0, x1, y0, y1, fillcolor: colour("--region"), line: { width: 0 }, layer: "below" }];
}

function drawFront() {
  const { x, y } = state.axes;
  const traces = Object.keys(STANDINGS).filter((s) => state.shown.has(s)).map(frontTrace).filter((t) => t.x.length);
  if (traces.length && state.shown.has(TEACHER) && report.teacher[x] && report.teacher[y])
    traces.push({ type: "scatter", mode: "markers", name: "teacher", x: [report.teacher[x].value], y: [report.teacher[y].value], marker: { symbol: "star", size: 15, color: colour("--accent") }, hovertemplate: "teacher<extra></extra>" });
  draw("front-plot", traces, { xaxis: { title: { text: label(x) }, range: range(x) }, yaxis: { title: { text: label(y) }, range: range(y) }, shapes: limitShapes() }, "No point passes the filters.");
}

function drawParallel() {
  const points = visible().slice(0, 400);
  const keys = quantities.filter((k) => points.some((p) => value(p, k) !== null));
  const ends = keys.map((k) => [Math.min(...points.map((p) => value(p, k)).filter((v) => v !== null)), Math.max(...points.map((p) => value(p, k)).filter((v) => v !== null))]);
  const height = (p, i) => {
    const [low, high] = ends[i], v = value(p, keys[i]);
    if (v === null) return null;
    const up = high > low ? (v - low) / (high - low) : 0.5;
    return better(keys[i]) === "min" ? 1 - up : up;
  };
  const traces = points.map((p) => {
    const on = p.candidate === state.selected;
    return { type: "scatter", mode: "lines+markers", x: keys.map((_, i) => i), y: keys.map((_, i) => height(p, i)), customdata: keys.map(() => p.candidate), showlegend: false, connectgaps: true,
      line: { width: on ? 4 : 1.5, color: on ? colour("--candidate") : p.standing === "front" ? colour("--accent") : colour("--faint") }, opacity: on || state.selected === null ? 1 : 0.45,
      text: keys.map(() => hover(p)), hovertemplate: "%{text}<extra></extra>" };
  });
  const note = (i, top) => ({ x: i, y: top ? 1.06 : -0.06, text: show(ends[i][(better(keys[i]) === "max") === top ? 1 : 0]), showarrow: false, font: { size: 11 } });
  draw("parallel-plot", traces, { xaxis: { tickvals: keys.map((_, i) => i), ticktext: keys.map(label), range: [-0.3, keys.length - 0.7] }, yaxis: { visible: false, range: [-0.12, 1.12] }, annotations: keys.flatMap((_, i) => [note(i, true), note(i, false)]) }, "No point passes the filters.");
}

function sorted(points) {
  const { key, down } = state.sort;
  if (!key) return points;
  const of = (p) => (key === "number" ? p.number : value(p, key) ?? Infinity);
  return [...points].sort((a, b) => (down ? of(b) - of(a) : of(a) - of(b)));
}

function drawTable() {
  const head = element("points-table").tHead, body = element("points-table").tBodies[0];
  const cell = (key, text) => `<th scope="col"><button type="button" data-sort="${key}">${text}</button></th>`;
  head.innerHTML = `<tr>${cell("number", "trial")}<th scope="col">standing</th>${quantities.map((k) => cell(k, label(k))).join("")}</tr>`;
  body.replaceChildren(...sorted(visible()).map((p) => {
    const row = document.createElement("tr");
    row.dataset.candidate = p.candidate;
    row.tabIndex = p.candidate === state.selected || (!state.selected && p === visible()[0]) ? 0 : -1;
    row.setAttribute("aria-selected", String(p.candidate === state.selected));
    row.innerHTML = `<th scope="row">${name(p)}</th><td>${STANDINGS[p.standing]}</td>` + quantities.map((k) => `<td class="number">${show(value(p, k))}</td>`).join("");
    return row;
  }));
}
