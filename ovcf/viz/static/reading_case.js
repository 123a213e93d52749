// One case of the reading room: the picture, the two answers, how sure, and in the aided session what the model says.

const CONFIDENCE = ["guess", "unsure", "likely", "fairly sure", "certain"];
const SESSIONS = { training: "Training case", unaided: "Case", aided: "Case with the model" };
const READING_KEYS = [
  ["F", "fresh"],
  ["O", "old"],
  ["1–5", "confidence"],
  ["Enter", "confirm"],
  ["P", "pause"],
  ["+ − 0", "zoom"],
];

/** Seconds that a case was in sight. */
function caseClock() {
  let ran = 0;
  let since = 0; // 0 while it stands still
  const now = () => ran + (since ? performance.now() - since : 0);
  return {
    seconds: () => now() / 1000,
    start: () => {
      since = performance.now();
    },
    stop: () => {
      ran = now();
      since = 0;
    },
    reset: () => {
      ran = 0;
      since = 0;
    },
  };
}

class ReadingCase {
  /** Make the nodes of a case as the kernel gave it; `shots` holds its pictures, `acts` what its buttons call. */
  constructor(given, shots, acts) {
    const { session, order, of } = given;
    this.given = given;
    this.answer = "";
    this.confidence = 0;
    this.busy = false;
    const label = `${SESSIONS[session]} ${order} of ${of}: radiograph of one vertebra`;
    this.viewer = new FilmViewer({ label, height: "min(56vh, 448px)" });
    this.choices = [this.choiceButton("fresh", "▲ Fresh ", "F"), this.choiceButton("old", "● Old ", "O")];
    this.sure = CONFIDENCE.map((text, i) => this.sureButton(i + 1, text));
    const button = { type: "button", class: "primary confirm", disabled: true, onclick: acts.confirm };
    this.confirm = el("button", button, "Confirm and next (Enter)");
    this.title = el("h3", { tabindex: -1 }, `${SESSIONS[session]} ${order} of ${of}`);
    const panel = this.answerPanel(session === "aided" ? modelSays(given, shots) : null);
    this.view = el("div", { class: "caseview" }, this.viewer.node, panel);
    this.nodes = [progressLine(given, this.title, acts.pause), this.view];
  }

  /** Show the picture, once the nodes are on the page and have their size. */
  begin(grey) {
    this.viewer.show(grey);
    this.title.focus({ preventScroll: true });
  }

  answerPanel(aid) {
    return el(
      "div",
      { class: "answer" },
      aid,
      el("div", { class: "choices", role: "group", "aria-label": "Is the fracture fresh or old?" }, this.choices),
      el(
        "div",
        { class: "sure", role: "radiogroup", "aria-label": "How sure are you?" },
        el("span", {}, "How sure?"),
        this.sure,
      ),
      this.confirm,
      el("p", { class: "quiet keyline" }, keyHelp(READING_KEYS)),
    );
  }

  choiceButton(value, text, key) {
    const attributes = {
      type: "button",
      class: "choice",
      "aria-pressed": "false",
      "data-answer": value,
      "aria-keyshortcuts": key,
      onclick: () => this.pick(value),
    };
    return el("button", attributes, text, el("kbd", {}, key));
  }

  sureButton(value, text) {
    const attributes = {
      type: "button",
      role: "radio",
      "aria-checked": "false",
      "aria-pressed": "false",
      "data-confidence": value,
      "aria-label": `${value} ${text}`,
      onclick: () => this.rate(value),
    };
    return el("button", attributes, el("b", {}, value), el("small", {}, text));
  }

  pick(value) {
    this.answer = value;
    for (const button of this.choices) button.setAttribute("aria-pressed", String(button.dataset.answer === value));
    this.update();
  }

  rate(value) {
    this.confidence = value;
    for (const button of this.sure) {
      const chosen = String(Number(button.dataset.confidence) === value);
      button.setAttribute("aria-checked", chosen);
      button.setAttribute("aria-pressed", chosen);
    }
    this.update();
  }

  /** Whether both answers are given and none is on its way. */
  get isReady() {
    return Boolean(this.answer && this.confidence) && !this.busy;
  }

  setBusy(busy) {
    this.busy = busy;
    this.update();
  }

  update() {
    this.confirm.disabled = !this.isReady;
  }

  close() {
    this.viewer.close();
  }
}

function progressLine({ order, of, reader }, title, pause) {
  const progress = { max: of, value: order - 1, "aria-label": `${order - 1} of ${of} read` };
  const button = { type: "button", class: "pause", onclick: pause, "aria-keyshortcuts": "P" };
  return el(
    "div",
    { class: "progressline" },
    title,
    el("progress", progress),
    el("span", { class: "quiet" }, `${reader}; ${of - order + 1} to go`),
    el("button", button, "Pause (P)"),
  );
}

/** The model's answer beside a case; its map follows the picture of the case where there is one. */
function modelSays({ says, p_fresh, by, map_note, buffers }, shots) {
  const [, map, patch] = buffers;
  return el(
    "div",
    { class: "aid" },
    el("p", {}, el("b", {}, `The model says ${says}: P(fresh) ${percent(p_fresh)}`)),
    el("p", { class: "quiet" }, by),
    patch ? mapOverPatch(shots.url(patch), shots.url(map), map_note) : el("p", { class: "quiet" }, map_note),
  );
}
