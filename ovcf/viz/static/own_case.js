// One vertebra of one's own: load a film, draw its box, ask the final model.

const CHUNK = 1 << 20; // an upload travels in pieces: Jupyter drops single messages of more than about 10 MB
const SIDES = ["x0", "y0", "x1", "y1"];
const TAKEN = ".png,.jpg,.jpeg,.tif,.tiff,.dcm,.dicom,application/dicom,image/png,image/jpeg,image/tiff";
const GONE = "The program behind this page does not answer. Reload the page (or run the notebook again) to go on.";
const FILM_LABEL =
  "Film. Draw a box around one vertebra with the mouse, or with the arrow keys: " +
  "arrows move, Alt and arrows resize, Shift is ten times as far.";
const HOW_TO_DRAW =
  "Draw tightly around one vertebral body; the margin is added as in the study. Keys on the film: " +
  "arrows move the box, Alt+arrows resize, Shift ten times as far, + − 0 zoom. Shift and drag: level and window.";

const BOX_CHANGED = "The box has changed; ask again.";

class OwnCase {
  constructor(page, link) {
    Object.assign(this, { page, link });
    this.film = null; // what the kernel said of it
    this.shots = pictures();
    this.problem = el("p", { role: "alert", class: "problem" });
    this.status = el("p", { role: "status", class: "quiet" });
    this.bar = el("progress", { max: 1, value: 0, hidden: true, "aria-label": "Upload" });
    const answer = { class: "result", "aria-label": "Answer of the model", "aria-live": "polite" };
    this.result = el("section", answer);
    this.numbers = SIDES.map((side) => this.sideInput(side));
    const button = { type: "button", class: "primary ask", disabled: true, onclick: () => this.askModel() };
    this.askButton = el("button", button, "Ask the model (Enter)");
    const onbox = (box) => this.boxed(box);
    this.viewer = new FilmViewer({ label: FILM_LABEL, editable: true, onbox, height: "min(68vh, 600px)" });
    this.say("No film yet. The answer appears here.");
    page.addEventListener("keydown", (event) => this.press(event));
  }

  sideInput(side) {
    const onchange = () => this.typed();
    return el("input", { type: "number", step: 0.1, "data-side": side, disabled: true, onchange });
  }

  nodes() {
    const numbers = { class: "boxline", role: "group", "aria-label": "Box in px of the film" };
    const stage = el(
      "div",
      { class: "stage" },
      this.viewer.node,
      el("div", numbers, ...SIDES.map((side, i) => field(side, this.numbers[i])), this.askButton),
      el("p", { class: "quiet" }, HOW_TO_DRAW),
    );
    return [this.loadLine(), this.problem, this.status, el("div", { class: "columns" }, stage, this.result)];
  }

  loadLine() {
    const file = el("input", { type: "file", accept: TAKEN });
    file.addEventListener("change", () => {
      if (file.files[0]) this.upload(file.files[0]);
    });
    const path = el("input", { type: "text", size: 34, autocomplete: "off", placeholder: "/folder/film.dcm" });
    const open = () => {
      if (path.value.trim()) this.load("path", { path: path.value.trim() });
    };
    const button = el("button", { type: "submit" }, "Open");
    const byPath = form({ class: "bypath" }, open, field("or its path where the program runs", path), button);
    const fromHere = field("Film from this computer (PNG, JPEG, TIFF, DICOM)", file);
    return el("div", { class: "load" }, fromHere, this.bar, byPath);
  }

  // The film

  async upload(file) {
    const { name, size } = file;
    this.problem.textContent = "";
    this.bar.hidden = false;
    try {
      const { upload } = await this.link.ask("upload", { name, size });
      for (let at = 0; at < size; at += CHUNK) {
        const piece = await file.slice(at, at + CHUNK).arrayBuffer();
        await this.link.ask("piece", { upload, at }, { buffers: [piece], seconds: 60 });
        this.bar.value = Math.min(1, (at + CHUNK) / size);
      }
      await this.load("uploaded", { upload });
    } catch (error) {
      this.problem.textContent = error.message;
    }
    this.bar.hidden = true;
  }

  async load(kind, values) {
    this.problem.textContent = "";
    this.status.textContent = "Reading the film…";
    try {
      this.showFilm(await this.link.ask(kind, values, { seconds: 120 }));
    } catch (error) {
      this.problem.textContent = error.message;
      this.status.textContent = "";
    }
  }

  showFilm(film) {
    this.film = film;
    const { name, width, height, scale } = film;
    const data = new Uint16Array(bytesOf(film.buffers[0]).slice().buffer); // a copy of its own is aligned
    this.viewer.show({ width, height, data }, { scale });
    this.viewer.setBox(null);
    const size = `${film.film_width} × ${film.film_height} px`;
    this.status.textContent = `${name}: ${size}; pixel size ${film.spacing}. ${film.notes.join(" ")}`;
    for (const input of this.numbers) input.disabled = false;
    this.say("Draw a box around one vertebra, then ask.");
    this.viewer.canvas.focus({ preventScroll: true });
    this.page.dataset.film = name;
  }

  // The box

  /** The box was drawn, moved or taken away: an answer to another box goes away. */
  boxed(box) {
    SIDES.forEach((side, i) => {
      this.numbers[i].value = box ? box[side] : "";
    });
    this.askButton.disabled = !(this.film && box && box.x1 - box.x0 >= 1 && box.y1 - box.y0 >= 1);
    this.page.dataset.box = box ? boxWords(box) : "";
    const { dataset } = this.result;
    if (!dataset.box || dataset.box === this.page.dataset.box) return;
    delete dataset.box;
    delete dataset.p;
    this.say(BOX_CHANGED);
  }

  typed() {
    const values = this.numbers.map((input) => input.value);
    if (values.includes("")) return;
    const [x0, y0, x1, y1] = values.map(Number);
    this.viewer.setBox({ x0, y0, x1, y1 });
  }

  // The answer

  say(text) {
    this.result.replaceChildren(el("h3", {}, "Answer"), el("p", { class: "quiet" }, text));
  }

  async askModel() {
    if (this.askButton.disabled) return;
    const { box } = this.viewer;
    this.problem.textContent = "";
    this.say("Asking the model…");
    this.askButton.disabled = true;
    delete this.result.dataset.p;
    const refuse = (error) => {
      this.problem.textContent = error.message;
      this.say("No answer.");
    };
    const question = { box: SIDES.map((side) => box[side]) };
    const answer = await this.link.ask("predict", question, { seconds: 180 }).catch(refuse);
    this.askButton.disabled = !this.viewer.box;
    if (!answer) return;
    if (this.page.dataset.box === boxWords(box)) this.showAnswer(answer, boxWords(box));
    else this.say(BOX_CHANGED); // while the model was at work
  }

  showAnswer(answer, box) {
    this.shots.clear();
    this.result.dataset.box = box;
    this.result.dataset.p = answer.p_fresh;
    this.result.replaceChildren(...answerNodes(answer, this.shots));
  }

  press(event) {
    if (event.key !== "Enter" || event.ctrlKey || event.metaKey) return;
    if (event.target.matches("button, summary, input[type=text], input[type=file]")) return;
    event.preventDefault();
    event.stopPropagation();
    this.askModel();
  }

  close() {
    this.shots.clear();
    this.viewer.close();
  }
}

const boxWords = (box) => SIDES.map((side) => box[side]).join(",");

function render({ model, el: host }) {
  const page = root("own", "Own case");
  const gone = goneNotice(GONE);
  const link = questions(model, gone);
  const own = new OwnCase(page, link);
  const research = el("span", { class: "research" }, "Research use only. Not for diagnosis.");
  page.append(el("header", {}, el("h2", {}, "Own case"), research), gone, ...own.nodes());
  host.append(page);
  return () => {
    link.close();
    own.close();
  };
}

export default { render };
