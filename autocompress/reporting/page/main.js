// Wiring: controls, linked selection, keyboard, theme.
function drawAll() {
  drawFront(); drawParallel(); drawTable(); drawHypervolume(); drawSensitivity(); drawDeliveries(); drawCurves();
  drawDetails(state.selected);
}
function drawLinked() { drawFront(); drawParallel(); drawTable(); }

function makeControls() {
  for (const [id, key] of [["axis-x", "x"], ["axis-y", "y"], ["axis-colour", "colour"]]) {
    element(id).replaceChildren(...quantities.map((q) => new Option(label(q), q, false, q === state.axes[key])));
    element(id).addEventListener("change", (event) => { state.axes[key] = event.target.value; drawFront(); });
  }
  for (const [standing, words] of Object.entries({ ...STANDINGS, [TEACHER]: "teacher" })) {
    const count = standing === TEACHER ? 1 : report.points.filter((p) => p.standing === standing).length;
    if (count === 0) continue;
    const box = document.createElement("label");
    box.innerHTML = `<input type="checkbox" data-standing="${standing}" ${state.shown.has(standing) ? "checked" : ""}> ${words} (${count})`;
    box.firstChild.addEventListener("change", (event) => { state.shown[event.target.checked ? "add" : "delete"](standing); drawLinked(); });
    element("standings").append(box);
  }
  for (const key of quantities) {
    const box = document.createElement("label");
    box.innerHTML = `${label(key)} <input type="number" step="any" data-key="${key}" data-end="0" placeholder="from" aria-label="${key} from"><input type="number" step="any" data-key="${key}" data-end="1" placeholder="to" aria-label="${key} to">`;
    element("filters").append(box);
  }
  element("filters").addEventListener("input", readFilters);
  element("controls").addEventListener("reset", () => setTimeout(() => { readFilters(); syncControls(); }));
  element("controls").addEventListener("submit", (event) => event.preventDefault());
}

function syncControls() { // a reset puts back what the page began with
  for (const box of document.querySelectorAll("[data-standing]")) state.shown[box.checked ? "add" : "delete"](box.dataset.standing);
  for (const [id, key] of [["axis-x", "x"], ["axis-y", "y"], ["axis-colour", "colour"]]) state.axes[key] = element(id).value;
  drawLinked();
}

function readFilters() {
  state.filters = {};
  for (const input of document.querySelectorAll("#filters input")) {
    const ends = (state.filters[input.dataset.key] ||= [null, null]);
    ends[Number(input.dataset.end)] = input.value === "" ? null : Number(input.value);
  }
  drawLinked();
  element("filter-count").textContent = `(${visible().length} points pass)`;
}

let previewing = 0;
function link(id) { // hover previews, click keeps
  const box = element(id);
  if (!box.on) return;
  const candidate = (event) => event.points[0].customdata;
  box.on("plotly_click", (event) => { if (candidate(event)) select(candidate(event)); });
  box.on("plotly_hover", (event) => { clearTimeout(previewing); previewing = setTimeout(() => drawDetails(candidate(event)), 120); });
  box.on("plotly_unhover", () => { clearTimeout(previewing); previewing = setTimeout(() => drawDetails(state.selected), 120); });
}

function tableKeys(event) {
  const row = event.target.closest("tr[data-candidate]");
  if (!row) return;
  const next = { ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling, Enter: row, " ": row }[event.key];
  if (!next) return;
  event.preventDefault();
  select(next.dataset.candidate);
  document.querySelector(`tr[data-candidate="${next.dataset.candidate}"]`).focus();
}

function audioKeys(event) {
  if (event.target.closest("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
  const sentence = report.sentences.find((s) => s.id === playing.sentence) || report.sentences[0];
  const who = { a: "teacher", b: "candidate", x: playing.who === "teacher" ? "candidate" : "teacher" }[event.key];
  if (sentence && who) play(sentence, who);
}

function setTheme(theme) { document.documentElement.dataset.theme = theme; }

const dark = matchMedia("(prefers-color-scheme: dark)");
setTheme(dark.matches ? "dark" : "light");
dark.addEventListener("change", () => { setTheme(dark.matches ? "dark" : "light"); drawAll(); });
element("theme").addEventListener("click", () => { setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"); drawAll(); });
element("points-table").addEventListener("click", (event) => {
  const sort = event.target.closest("[data-sort]"), row = event.target.closest("tr[data-candidate]");
  if (sort) { state.sort = { key: sort.dataset.sort, down: state.sort.key === sort.dataset.sort && !state.sort.down }; drawTable(); }
  if (row) select(row.dataset.candidate);
});
element("points-table").addEventListener("keydown", tableKeys);
document.addEventListener("keydown", audioKeys);
function playVoice(event) {
  const button = event.target.closest("button[data-clip]");
  if (!button) return;
  const speaker = element("voice-player");
  player.pause();
  speaker.src = report.clips[button.dataset.clip];
  speaker.dataset.clip = button.dataset.clip;
  for (const other of element("voices").children) other.setAttribute("aria-pressed", String(other === button));
  speaker.play().catch((error) => { if (error.name !== "AbortError") button.title = `Cannot play: ${error.message}`; });
}
if (element("voices")) element("voices").addEventListener("click", playVoice);
element("curve-run").addEventListener("change", drawCurves);

const onFront = report.points.filter((p) => p.standing === "front");
element("summary").textContent = onFront.length
  ? `${onFront.length} points on the front; ${report.points.length} candidates in all.`
  : "No candidate holds every limit. The nearest one is shown, with how far it is beyond each.";
makeControls();
drawAll();
const first = report.points.find((p) => p.candidate === report.delivered_candidate) || report.points.find((p) => p.picks.includes("best")) || report.points[0];
if (first) select(first.candidate);
["front-plot", "parallel-plot"].forEach(link);
