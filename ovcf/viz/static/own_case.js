// One vertebra of one's own: load a film, draw its box, ask the final model.

const CHUNK = 1 << 20; // an upload travels in pieces: Jupyter drops single messages of more than about 10 MB

function render({ model, el: host }) {
  const page = root("own", "Own case");
  host.append(page);
  const gone = el("p", { class: "notice", role: "alert", hidden: true }, "The program behind this page does not answer. Reload the page (or run the notebook again) to go on.");
  const link = questions(model, gone);
  const shots = pictures();
  const problem = el("p", { role: "alert", class: "problem" });
  const status = el("p", { role: "status", class: "quiet" });
  const result = el("section", { class: "result", "aria-label": "Answer of the model", "aria-live": "polite" });
  const file = el("input", { type: "file", accept: ".png,.jpg,.jpeg,.tif,.tiff,.dcm,.dicom,application/dicom,image/png,image/jpeg,image/tiff" });
  const path = el("input", { type: "text", size: 34, autocomplete: "off", placeholder: "/folder/film.dcm" });
  const bar = el("progress", { max: 1, value: 0, hidden: true, "aria-label": "Upload" });
  const sides = ["x0", "y0", "x1", "y1"];
  const numbers = Object.fromEntries(sides.map((s) => [s, el("input", { type: "number", step: 0.1, "data-side": s, disabled: true, onchange: typed })]));
  const askButton = el("button", { type: "button", class: "primary ask", disabled: true, onclick: askModel }, "Ask the model (Enter)");
  const viewer = new FilmViewer({ label: "Film. Draw a box around one vertebra with the mouse, or with the arrow keys: arrows move, Alt and arrows resize, Shift is ten times as far.", editable: true, onbox: boxed, height: "min(68vh, 600px)" });
  let film = null;

  page.append(
    el("header", {}, el("h2", {}, "Own case"), el("span", { class: "research" }, "Research use only. Not for diagnosis.")), gone,
    el("div", { class: "load" }, field("Film from this computer (PNG, JPEG, TIFF, DICOM)", file), bar,
      form({ class: "bypath" }, () => { if (path.value.trim()) load("path", { path: path.value.trim() }); }, field("or its path where the program runs", path), el("button", { type: "submit" }, "Open"))),
    problem, status,
    el("div", { class: "columns" },
      el("div", { class: "stage" }, viewer.node,
        el("div", { class: "boxline", role: "group", "aria-label": "Box in px of the film" }, sides.map((s) => field(s, numbers[s])), askButton),
        el("p", { class: "quiet" }, "Draw tightly around one vertebral body; the margin is added as in the study. Keys on the film: arrows move the box, Alt+arrows resize, Shift ten times as far, + − 0 zoom. Shift and drag: level and window.")),
      result));
  say("No film yet. The answer appears here.");

  function say(text) { result.replaceChildren(el("h3", {}, "Answer"), el("p", { class: "quiet" }, text)); }

  file.addEventListener("change", async () => {
    const chosen = file.files[0];
    if (!chosen) return;
    problem.textContent = "";
    bar.hidden = false;
    try {
      const { upload } = await link.ask("upload", { name: chosen.name, size: chosen.size });
      for (let at = 0; at < chosen.size; at += CHUNK) {
        const piece = await chosen.slice(at, at + CHUNK).arrayBuffer();
        await link.ask("piece", { upload, at }, { buffers: [piece], seconds: 60 });
        bar.value = Math.min(1, (at + CHUNK) / chosen.size);
      }
      await load("uploaded", { upload });
    } catch (error) { problem.textContent = error.message; }
    bar.hidden = true;
  });

  async function load(kind, values) {
    problem.textContent = "";
    status.textContent = "Reading the film…";
    const answer = await link.ask(kind, values, { seconds: 120 }).catch((error) => { problem.textContent = error.message; });
    if (!answer) { status.textContent = ""; return; }
    film = answer;
    const bytes = bytesOf(answer.buffers[0]);
    const data = new Uint16Array(bytes.slice().buffer);
    viewer.show({ width: answer.width, height: answer.height, data }, { scale: answer.scale });
    viewer.setBox(null);
    status.textContent = `${answer.name}: ${answer.film_width} × ${answer.film_height} px; pixel size ${answer.spacing}. ${answer.notes.join(" ")}`;
    for (const s of sides) numbers[s].disabled = false;
    say("Draw a box around one vertebra, then ask.");
    viewer.canvas.focus({ preventScroll: true });
    page.dataset.film = answer.name;
  }

  function boxed(box) {
    for (const s of sides) numbers[s].value = box ? box[s] : "";
    askButton.disabled = !(film && box && box.x1 - box.x0 >= 1 && box.y1 - box.y0 >= 1);
    page.dataset.box = box ? sides.map((s) => box[s]).join(",") : "";
    if (result.dataset.box && result.dataset.box !== page.dataset.box) { delete result.dataset.box; delete result.dataset.p; say("The box has changed; ask again."); }
  }
  function typed() {
    const values = sides.map((s) => numbers[s].value);
    if (values.every((v) => v !== "")) viewer.setBox(Object.fromEntries(sides.map((s, i) => [s, Number(values[i])])));
  }

  async function askModel() {
    if (askButton.disabled) return;
    problem.textContent = "";
    const box = { ...viewer.box };
    result.replaceChildren(el("h3", {}, "Answer"), el("p", { class: "quiet" }, "Asking the model…"));
    askButton.disabled = true;
    delete result.dataset.p;
    const answer = await link.ask("predict", { box: sides.map((s) => box[s]) }, { seconds: 180 }).catch((error) => { problem.textContent = error.message; say("No answer."); });
    askButton.disabled = !viewer.box;
    if (answer) showAnswer(answer, sides.map((s) => box[s]).join(","));
  }

  function showAnswer(a, box) {
    shots.clear();
    result.dataset.box = box;
    result.dataset.p = a.p_fresh;
    const patch = shots.url(a.buffers[0]);
    const seen = mapOverPatch(patch, shots.url(a.buffers[1]), a.map_note);
    const thumbs = a.buffers.slice(2);
    result.replaceChildren(
      el("h3", {}, "Answer"),
      el("p", { class: "number" }, el("b", {}, `P(fresh) ${a.p_fresh.toFixed(3)}`), ` (${a.low.toFixed(3)} to ${a.high.toFixed(3)} over the final model and those of the folds)`),
      el("p", { class: "quiet" }, a.interval_note),
      el("p", {}, `${a.called === "fresh" ? "▲" : "●"} called ${a.called} at the threshold 0.5, by ${a.network_name}.`),
      a.warning ? el("p", { class: "notice unlike" }, `⚠ ${a.warning}`) : el("p", { class: "quiet" }, a.alike),
      el("p", { class: "calibration" }, a.calibration),
      el("h3", {}, "What the network sees"), seen,
      el("h3", {}, "Most similar patches of the run"),
      el("ul", { class: "tiles" }, a.similar.map((row, i) => el("li", {}, el("div", { class: "tile" }, el("img", { src: shots.url(thumbs[i]), alt: "", width: 112, height: 112 }), el("b", {}, row.patch_id), el("br"), `${row.level}: labelled ${row.label}`, el("br"), `distance ${row.distance.toFixed(2)}`)))),
      el("p", { class: "research" }, a.research),
      el("details", {}, el("summary", {}, "The same on the command line"), el("code", { class: "command" }, a.command), el("p", { class: "quiet" }, `model ${a.digest}`)));
  }

  page.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.ctrlKey || event.metaKey || event.target.matches("button, summary, input[type=text], input[type=file]")) return;
    event.preventDefault();
    event.stopPropagation();
    askModel();
  });
  return () => { link.close(); shots.clear(); viewer.close(); };
}
export default { render };
