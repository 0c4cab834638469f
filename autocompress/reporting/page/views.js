// Views that do not depend on the chosen point.
function drawHypervolume() {
  const traces = report.history.length === 0 ? [] : [{ type: "scatter", mode: "lines", line: { shape: "hv", color: colour("--accent") }, x: report.history.map((h) => h[0]), y: report.history.map((h) => h[1]), hovertemplate: "after %{x} evaluations: %{y:.4g}<extra></extra>" }];
  draw("hypervolume-plot", traces, { xaxis: { title: { text: "evaluations" } }, yaxis: { title: { text: `hypervolume to ${report.reference.map(show).join(", ")}` }, rangemode: "tozero" } }, "No evaluation was finished.");
}

function drawSensitivity() { // rows: a decision and its option; columns: the layer or stage it belongs to
  const place = (choice) => (choice.match(/\.(\d+)$/) || [null, "all"])[1];
  const rowOf = (c) => `${c.choice.replace(/\.\d+$/, "")} = ${c.option}`;
  const rows = [...new Set(report.sensitivity.map(rowOf))].sort().reverse();
  const columns = [...new Set(report.sensitivity.map((c) => place(c.choice)))].sort((a, b) => (a === "all") - (b === "all") || a - b);
  const grid = () => rows.map(() => columns.map(() => null));
  const z = grid(), text = grid();
  for (const c of report.sensitivity) {
    const [i, j] = [rows.indexOf(rowOf(c)), columns.indexOf(place(c.choice))];
    z[i][j] = c.loss > 0 ? Math.log10(c.loss) : null;
    text[i][j] = `${c.choice} = ${c.option}: ${c.failed ? "breaks the model" : `loses ${show(c.loss)}`}`;
  }
  const traces = rows.length === 0 ? [] : [{ type: "heatmap", x: columns, y: rows, z, text, hoverongaps: true, hovertemplate: "%{text}<extra></extra>", colorscale: "YlOrRd", reversescale: true, xgap: 1, ygap: 1, colorbar: { title: { text: "loss, 10^" }, thickness: 10 } }];
  draw("sensitivity-plot", traces, { height: 120 + 18 * rows.length, xaxis: { type: "category", title: { text: "layer or stage" } }, yaxis: { tickfont: { size: 10 } } }, "No sensitivity table was saved with this run.");
}

function drawDeliveries() {
  if (!element("delivery-plot")) return;
  const rows = report.deliveries.filter((d) => d.predicted && d.comparable && d.predicted.value > 0);
  const of = (d, m, end) => m[end] / d.predicted.value;
  const trace = (title, side, tone) => ({ type: "scatter", mode: "markers", name: title, y: rows.map((d) => d.key), x: rows.map((d) => of(d, d[side], "value")), marker: { size: 11, color: colour(tone) },
    error_x: { type: "data", symmetric: false, array: rows.map((d) => of(d, d[side], "high") - of(d, d[side], "value")), arrayminus: rows.map((d) => of(d, d[side], "value") - of(d, d[side], "low")) } });
  draw("delivery-plot", rows.length ? [trace("predicted", "predicted", "--accent"), trace("delivered", "delivered", "--candidate")] : [], { xaxis: { title: { text: "share of the prediction" } }, height: 140 + 34 * rows.length }, "Nothing was predicted for the machine that the bundle was measured on.");
}

function drawCurves() {
  const runs = [...new Set(report.curves.map((c) => c.run))];
  const choice = element("curve-run");
  element("curve-choice").hidden = runs.length < 2;
  if (choice.options.length !== runs.length) choice.replaceChildren(...runs.map((r) => new Option(r, r)));
  const traces = report.curves.filter((c) => c.run === choice.value && c.name !== "seconds_per_step").map((c) => ({ type: "scatter", mode: "lines", name: c.name, x: c.steps, y: c.values }));
  draw("curves-plot", traces, { xaxis: { title: { text: "step" } }, yaxis: { title: { text: "loss" } } }, "No training was run for this report.");
}
