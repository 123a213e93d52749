// One case of the reading room: the picture, the answers, how sure, why, and in an aided session what the model says.

const CONFIDENCE = ["guess", "unsure", "likely", "fairly sure", "certain"];
const CANNOT_JUDGE = "cannot judge";
const TYPING_PAUSE = 300; // ms without a change before what is chosen is kept
const READING_KEYS = [
  ["F", "fresh"],
  ["O", "old"],
  ["J", "cannot judge"],
  ["Enter", "confirm"],
  ["P", "pause"],
  ["M", "mis-keyed"],
  ["+ − 0", "zoom (on the picture)"],
];

/** What a session is called on the page: "Training case", "Case", "Case with the model". */
function sessionWords(session) {
  const [kind] = session.split("-");
  return { training: "Training case", unaided: "Case", aided: "Case with the model" }[kind];
}

class ReadingCase {
  /**
   * Make the nodes of a case as the kernel gave it.
   *
   * @param given  the kernel's answer: what is open, its picture, what was chosen for it before
   * @param shots  holds its pictures
   * @param acts   what its buttons lead to: `confirm()`, `pause()`, `slip()`; `draft()` after each choice
   */
  constructor(given, shots, acts) {
    const { session, order, of, draft } = given;
    this.given = given;
    this.acts = acts;
    this.busy = false;
    this.answer = draft.answer ?? "";
    this.confidence = draft.confidence ?? null;
    this.counts = new CaseCounts(draft);
    const what = given.box ? "film with the vertebra marked" : "one vertebra";
    const name = `${sessionWords(session)} ${order} of ${of}`;
    this.viewer = new FilmViewer({ label: `${name}: radiograph, ${what}`, height: given.box ? "72vh" : "min(60vh, 620px)" });
    this.title = el("h3", { tabindex: -1 }, given.again ? `${name}, asked again` : name);
    this.panel = this.answerPanel(given, draft, given.p_fresh === undefined ? null : modelSays(given, shots));
    this.view = el("div", { class: given.box ? "caseview film" : "caseview" }, this.viewer.node, this.panel);
    this.nodes = [progressLine(given, this.title, acts), this.view];
    this.update();
  }

  /** Show the picture, once the nodes are on the page and have their size; what that changes is not counted. */
  begin(grey) {
    const { scale, box } = this.given;
    this.viewer.show(grey, { scale, box });
    this.counts.watch(this.viewer);
    this.title.focus({ preventScroll: true });
  }

  answerPanel({ reasons, rating }, draft, aid) {
    const answers = [["fresh", "▲ Fresh ", "F"], ["old", "● Old ", "O"], [CANNOT_JUDGE, "Cannot judge ", "J"]];
    this.choices = answers.map((answer) => this.choiceButton(...answer));
    this.sure = rating === "1-5" ? this.sureButtons() : this.sureSlider();
    this.why = this.whyFields(reasons, draft);
    const confirm = { type: "button", class: "primary confirm", onclick: this.acts.confirm };
    this.confirm = el("button", confirm, "Confirm and next (Enter)");
    const group = { class: "choices", role: "group", "aria-label": "Is the fracture fresh or old?" };
    const digits = rating === "1-5" ? ["1–5", "how sure"] : ["1–9, 0", "how sure: 10 to 90, 100"];
    const zoom = this.given.box && this.viewer.zoomToBox ? [["V", "zoom to the vertebra"]] : [];
    const listed = [...READING_KEYS.slice(0, 3), digits, ...READING_KEYS.slice(3), ...zoom];
    const keys = el("p", { class: "quiet keyline" }, keyHelp(listed));
    return el("div", { class: "answer" }, aid, el("div", group, this.choices), this.sure.node, this.why, this.confirm, keys);
  }

  choiceButton(value, text, key) {
    const attributes = { type: "button", class: "choice", "data-answer": value, "aria-keyshortcuts": key };
    return el("button", { ...attributes, onclick: () => this.pick(value) }, text, el("kbd", {}, key));
  }

  /** Five steps, as radio buttons that arrows move between. */
  sureButtons() {
    const button = (value, text) => {
      const attributes = { type: "button", role: "radio", "data-confidence": value, "aria-label": `${value} ${text}` };
      return el("button", { ...attributes, onclick: () => this.rate(value) }, el("b", {}, value), el("small", {}, text));
    };
    const buttons = CONFIDENCE.map((text, i) => button(i + 1, text));
    const group = { class: "sure", role: "radiogroup", "aria-label": "How sure are you?" };
    const show = (value) => {
      for (const b of buttons) b.setAttribute("aria-checked", String(Number(b.dataset.confidence) === value));
    };
    return { node: el("div", group, el("span", {}, "How sure?"), buttons), show };
  }

  /** 0 to 100; nothing is chosen before it was moved. */
  sureSlider() {
    const rate = () => this.rate(Number(slider.value));
    const attributes = { type: "range", min: 0, max: 100, step: 1, oninput: rate, onclick: rate };
    const slider = el("input", attributes);
    const number = el("output", {}, "–");
    const show = (value) => {
      if (value !== null) slider.value = value;
      number.textContent = value ?? "–";
    };
    const name = el("span", {}, "How sure, 0 (a guess) to 100 (certain)? ", number);
    return { node: el("label", { class: "sure wide field" }, name, slider), show };
  }

  whyFields(reasons, draft) {
    this.reasons = reasons.map((reason) => {
      const box = el("input", { type: "checkbox", value: reason, onchange: () => this.later() });
      box.checked = (draft.reasons ?? []).includes(reason);
      return box;
    });
    this.comment = el("textarea", { rows: 2, maxlength: 2000, oninput: () => this.later() });
    this.comment.value = draft.comment ?? "";
    const given = this.reasons.some((box) => box.checked) || this.comment.value;
    const labels = this.reasons.map((box) => el("label", { class: "reason" }, box, ` ${box.value}`));
    const boxes = el("div", { class: "reasons", role: "group", "aria-label": "Reasons" }, labels);
    const summary = el("summary", {}, "Reasons and comment (optional)");
    return el("details", { class: "why", open: Boolean(given) }, summary, boxes, field("Comment", this.comment));
  }

  pick(value) {
    this.answer = value;
    if (value === CANNOT_JUDGE) this.confidence = null;
    this.update();
    this.later();
  }

  rate(value) {
    if (this.answer === CANNOT_JUDGE) return;
    this.confidence = value;
    this.update();
    this.later();
  }

  /** A digit's key on this case's scale. */
  digit(key) {
    const number = Number(key);
    if (this.given.rating !== "1-5") this.rate(number ? number * 10 : 100);
    else if (number >= 1 && number <= 5) this.rate(number);
  }

  /** Keep what is chosen, once no change follows for a moment. */
  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.acts.draft(), TYPING_PAUSE);
  }

  /** What is chosen and counted so far. */
  values() {
    const { answer, confidence } = this;
    const reasons = this.reasons.filter((box) => box.checked).map((box) => box.value);
    return { answer, confidence, reasons, comment: this.comment.value, ...this.counts.values() };
  }

  /** Whether all is answered and no answer is on its way. */
  get isReady() {
    const isRated = this.answer === CANNOT_JUDGE || this.confidence !== null;
    return Boolean(this.answer && isRated) && !this.busy;
  }

  setBusy(busy) {
    this.busy = busy;
    clearTimeout(this.timer);
    this.update();
  }

  update() {
    for (const button of this.choices) {
      button.setAttribute("aria-pressed", String(button.dataset.answer === this.answer));
    }
    this.sure.show(this.confidence);
    this.sure.node.classList.toggle("off", this.answer === CANNOT_JUDGE);
    this.confirm.disabled = !this.isReady;
  }

  close() {
    clearTimeout(this.timer);
    this.viewer.close();
  }
}

function progressLine({ done, of, reader, last }, title, { pause, slip }) {
  const progress = { max: of, value: done, "aria-label": `${done} of ${of} read` };
  const stop = { type: "button", class: "pause", onclick: pause, "aria-keyshortcuts": "P" };
  return el(
    "div",
    { class: "progressline" },
    title,
    el("progress", progress),
    el("span", { class: "quiet" }, `${reader}; ${of - done} to go`),
    slipButton(last, slip),
    el("button", stop, "Pause (P)"),
  );
}

/** The button that marks the last answer; nothing where there is none to mark. */
function slipButton(last, slip) {
  const words = "I mis-keyed the last answer (M)";
  return last ? el("button", { type: "button", class: "slip", onclick: slip, "aria-keyshortcuts": "M" }, words) : null;
}

/** The model's answer beside a case; its map comes later, where there is one. */
function modelSays({ says, p_fresh, called_from, by }) {
  return el(
    "div",
    { class: "aid" },
    el("p", {}, el("b", {}, `The model says ${says}: P(fresh) ${sided(p_fresh, called_from)}`)),
    el("p", { class: "quiet" }, by),
    el("div", { class: "mapslot" }, el("p", { class: "quiet", role: "status" }, "Computing the map…")),
  );
}
