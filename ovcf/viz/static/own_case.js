// One vertebra of one's own: load a film, draw its box, ask the final model.

const CHUNK = 1 << 20; // an upload travels in pieces: Jupyter drops single messages of more than about 10 MB
const TAKEN = ".png,.jpg,.jpeg,.tif,.tiff,.dcm,.dicom,application/dicom,image/png,image/jpeg,image/tiff";
const GONE = "The program behind this page does not answer. Reload the page (or run the notebook again) to go on.";
const FILM_LABEL =
  "Film. Draw a box around one vertebra with the mouse, or with the arrow keys: " +
  "arrows move, Alt and arrows resize, Shift is ten times as far.";
const HOW_TO_DRAW =
  "Draw tightly around one vertebral body; the margin is added as in the study. Keys on the film: " +
  "arrows move the box, Alt+arrows resize, Shift ten times as far, + − 0 zoom. Shift and drag: level and window.";

const CHANGED = "The question has changed; ask again.";
const ACCEPT = "I know that the number will say nothing about this patient: go on";

class OwnCase {
  constructor(page, link) {
    Object.assign(this, { page, link });
    this.film = null; // what the kernel said of it
    this.busy = false;
    this.shots = pictures();
    this.trained = el("p", { class: "trained" }, "Looking up what the model was trained on…");
    this.problem = el("p", { role: "alert", class: "problem" });
    this.status = el("p", { role: "status", class: "quiet" });
    this.bar = el("progress", { max: 1, value: 0, hidden: true, "aria-label": "Upload" });
    this.result = el("section", { class: "result", "aria-label": "Answer of the model", "aria-live": "polite" });
    this.numbers = SIDES.map((side) => this.sideInput(side));
    const button = { type: "button", class: "primary ask", disabled: true, onclick: () => this.askModel() };
    this.askButton = el("button", button, "Ask the model (Enter)");
    const onbox = (box) => this.boxed(box);
    this.viewer = new FilmViewer({ label: FILM_LABEL, editable: true, onbox, height: "min(72vh, 820px)" });
    this.boxes = new KeptBoxes(this.viewer, () => this.asked());
    this.size = new PixelSize(this.viewer, () => this.asked());
    this.flip = el("button", { type: "button", "aria-pressed": "false", onclick: () => this.turn() }, "Film faces the other way");
    this.accept = el("input", { type: "checkbox", onchange: () => this.asked() });
    this.mismatchWords = el("span", {});
    const box = el("label", {}, this.accept, ` ${ACCEPT}`);
    this.mismatch = el("div", { class: "notice mismatch", hidden: true }, el("p", {}, this.mismatchWords), box);
    this.say("No film yet. The answer appears here.");
    page.addEventListener("keydown", (event) => this.press(event));
    this.lookUp();
  }

  /** What the model was trained on stays in sight. */
  async lookUp() {
    const nothing = (error) => ({ problem: error.message });
    const { trained_on, problem } = await this.link.ask("hello", {}, { seconds: 60 }).catch(nothing);
    this.trained.textContent = problem ?? trained_on;
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
      el("div", numbers, ...SIDES.map((side, i) => field(side, this.numbers[i])), this.askButton, this.flip),
      this.boxes.node,
      this.size.node,
      el("p", { class: "quiet" }, HOW_TO_DRAW),
    );
    const columns = el("div", { class: "columns" }, stage, this.result);
    return [this.loadLine(), this.problem, this.status, this.mismatch, columns];
  }

  loadLine() {
    const onchange = ({ target }) => target.files[0] && this.upload(target.files[0]);
    this.file = el("input", { type: "file", accept: TAKEN, onchange });
    const path = el("input", { type: "text", size: 34, autocomplete: "off", placeholder: "/folder/film.dcm" });
    const open = () => {
      if (path.value.trim()) this.load("path", { path: path.value.trim() });
    };
    const button = el("button", { type: "submit" }, "Open");
    const byPath = form({ class: "bypath" }, open, field("or its path where the program runs", path), button);
    const fromHere = field("Film from this computer (PNG, JPEG, TIFF, DICOM)", this.file);
    return el("div", { class: "load" }, fromHere, this.bar, byPath);
  }

  // The film

  async upload(file) {
    const { name, size } = file;
    const wanted = this.want(true);
    try {
      const { upload } = await this.link.ask("upload", { name, size });
      for (let at = 0; at < size; at += CHUNK) {
        const piece = await file.slice(at, at + CHUNK).arrayBuffer();
        if (this.wanted !== wanted) return;
        await this.link.ask("piece", { upload, at }, { buffers: [piece], seconds: 60 });
        if (this.wanted !== wanted) return;
        this.bar.value = Math.min(1, (at + CHUNK) / size);
      }
      await this.load("uploaded", { upload }, wanted);
    } catch (error) {
      this.refused(error, wanted);
    }
  }

  /** Another film is wanted: one that is still on its way comes no more. */
  want(uploaded) {
    this.problem.textContent = "";
    this.bar.value = 0;
    this.bar.hidden = !uploaded;
    this.wanted = {};
    return this.wanted;
  }

  async load(kind, values, wanted = this.want(false)) {
    this.status.textContent = "Reading the film…";
    try {
      this.showFilm(await this.link.ask(kind, values, { seconds: 120 }));
      if (this.wanted === wanted) this.bar.hidden = true;
    } catch (error) {
      this.refused(error, wanted);
    }
  }

  refused(error, wanted) {
    if (this.wanted !== wanted) return;
    this.problem.textContent = error.message;
    this.status.textContent = this.film ? this.words() : "";
    this.bar.hidden = true;
    this.file.value = ""; // the same file, mended, can be chosen again
  }

  words() {
    const { name, film_width, film_height, spacing, notes } = this.film;
    return `${name}: ${film_width} × ${film_height} px; size of a pixel: ${spacing}. ${notes.join(" ")}`;
  }

  showFilm(film) {
    this.film = film;
    const { name, width, height, scale } = film;
    const data = new Uint16Array(bytesOf(film.buffers[0]).slice().buffer); // a copy of its own is aligned
    this.boxes.clear();
    this.viewer.mirror = false;
    this.flip.setAttribute("aria-pressed", "false");
    this.viewer.show({ width, height, data }, { scale });
    this.viewer.setBox(null);
    this.size.show(film.mm_per_px);
    this.accept.checked = false;
    this.mismatch.hidden = !film.mismatch;
    this.mismatchWords.textContent = film.mismatch;
    this.status.textContent = this.words();
    for (const input of this.numbers) input.disabled = false;
    this.say("Draw a box around one vertebra, then ask.");
    this.viewer.canvas.focus({ preventScroll: true });
    this.page.dataset.film = name;
  }

  turn() {
    this.viewer.setMirror(!this.viewer.mirror);
    this.flip.setAttribute("aria-pressed", String(this.viewer.mirror));
    this.asked();
  }

  // The question

  /** The box in hand was drawn, moved or taken away. */
  boxed(box) {
    SIDES.forEach((side, i) => {
      this.numbers[i].value = box ? box[side] : "";
    });
    this.page.dataset.box = box ? boxWords(box) : "";
    this.boxes.button.disabled = !isBox(box);
    this.asked();
  }

  typed() {
    const values = this.numbers.map((input) => input.value);
    if (values.includes("")) return;
    const [x0, y0, x1, y1] = values.map(Number);
    this.viewer.setBox({ x0, y0, x1, y1 });
  }

  question() {
    const boxes = this.boxes.all().map((box) => SIDES.map((side) => box[side]));
    return { boxes, mm_per_px: this.size.given(), flip: this.viewer.mirror, accept: this.accept.checked };
  }

  /** Something of the question has changed: an answer to another question goes away. */
  asked() {
    const boxes = this.boxes.all();
    const accepted = !this.film?.mismatch || this.accept.checked;
    this.askButton.disabled = this.busy || !(this.film && boxes.length && boxes.every(isBox) && accepted);
    const { dataset } = this.result;
    if (!dataset.question || dataset.question === JSON.stringify(this.question())) return;
    delete dataset.question;
    delete dataset.p;
    this.say(CHANGED);
  }

  // The answer

  say(text) {
    this.result.replaceChildren(el("h3", {}, "Answer"), el("p", { class: "quiet" }, text));
  }

  async askModel() {
    if (this.askButton.disabled) return;
    const question = this.question();
    this.problem.textContent = "";
    this.say("Asking the model…");
    this.busy = true;
    this.askButton.disabled = true;
    delete this.result.dataset.p;
    delete this.result.dataset.question;
    const refuse = (error) => {
      this.problem.textContent = error.message;
      this.say("No answer.");
    };
    const answer = await this.link.ask("predict", question, { seconds: 180 }).catch(refuse);
    this.busy = false;
    this.asked();
    if (!answer) return;
    const asked = JSON.stringify(question);
    if (asked === JSON.stringify(this.question())) this.showAnswer(answer, asked);
    else this.say(CHANGED); // while the model was at work
  }

  showAnswer(answer, asked) {
    this.shots.clear();
    this.result.dataset.question = asked;
    this.result.dataset.p = answer.answers[0].p_fresh;
    const save = (number) => this.sheet(number, ({ name, html }) => download(name, html, "text/html"));
    const print = (number) => this.sheet(number, ({ html }) => printPage(html));
    this.result.replaceChildren(...answerNodes(answer, this.shots, { save, print }));
  }

  /** One answer as a page of its own. */
  async sheet(number, use) {
    this.problem.textContent = "";
    try {
      use(await this.link.ask("sheet", { number }, { seconds: 60 }));
    } catch (error) {
      this.problem.textContent = error.message;
    }
  }

  press(event) {
    if (event.key === "n" && event.target === this.viewer.canvas) {
      event.stopPropagation();
      this.boxes.keep();
      return;
    }
    if (event.key !== "Enter" || event.ctrlKey || event.metaKey) return;
    if (event.target.matches("button, summary, input[type=text], input[type=file], input[type=checkbox]")) return;
    event.preventDefault();
    event.stopPropagation();
    // what was typed counts before it is asked about; a browser tells of it only when the field is left
    if (event.target.matches("input")) event.target.dispatchEvent(new Event("change"));
    this.askModel();
  }

  close() {
    this.shots.clear();
    this.viewer.close();
  }
}

function render({ model, el: host }) {
  const page = root("own", "Own case");
  const gone = goneNotice(GONE);
  const link = questions(model, gone);
  const own = new OwnCase(page, link);
  const research = el("span", { class: "research" }, "Research use only. Not for diagnosis.");
  page.append(el("header", {}, el("h2", {}, "Own case"), research, own.trained), gone, ...own.nodes());
  host.append(page);
  return () => {
    link.close();
    own.close();
  };
}

export default { render };
