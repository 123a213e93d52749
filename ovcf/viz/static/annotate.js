// The annotators' page: one film at a time. What is done shows at once; a box or a word is on the kernel's disk a moment
// later, and until then in the web browser.

const GONE =
  "The program behind this page does not answer. What you did is kept in this web browser: reload the page, and it goes " +
  "on from here.";
const FILM_LABEL =
  "Film. Draw a box around each vertebral body with the mouse, or with the arrow keys: arrows move, Alt and arrows " +
  "resize, Shift is ten times as far.";
const KEY_PAUSE = 350; // ms after the last arrow key until a box counts
const LONGEST_LOOK = 120; // s that count for one event: who is away annotates nothing
const PROPOSED = { colour: "#FFFFFF", dash: [3, 5] };
const FLAGGED = { colour: "#FF5C8A", dash: [8, 3] };

class AnnotationPage {
  constructor(page, link, body, told) {
    Object.assign(this, { page, link, body, told });
    this.films = [];
    this.film = null;
    this.said = this.trouble = "";
    this.chosen = ""; // name of the mark in hand
    this.timer = 0;
    this.since = performance.now();
    this.token = new URLSearchParams(location.hash.slice(1)).get("reader") ?? "";
    page.addEventListener("keydown", (event) => this.press(event), true);
  }

  setScreen(screen, ...nodes) {
    this.page.dataset.screen = screen;
    this.body.replaceChildren(...nodes);
  }

  /** Say something of the last step: it stands until the next one, whatever the kernel answers meanwhile. */
  tell(said) {
    this.note({ said });
  }

  note(words) {
    Object.assign(this, words);
    this.told.textContent = [this.trouble, this.said].filter(Boolean).join(" ");
  }

  // Coming in

  hello({ reader, named, words, films, cohort }) {
    this.cohort = cohort;
    if (words) return this.setScreen("refused", el("h3", {}, "This link does not open the annotation"), el("p", {}, words));
    const before = named ? reader : this.remembered();
    if (before && this.remembered() === before) return this.enter(before);
    this.start(before, named, films);
  }

  start(reader, named, films, problem = "") {
    const attributes = { type: "text", maxlength: 40, value: reader ?? "", autocomplete: "off", required: true };
    const name = el("input", { ...attributes, readonly: named });
    const button = el("button", { type: "submit", class: "primary" }, "Start or go on (Enter)");
    const enter = form({ class: "start" }, () => this.enter(name.value), field("Your name or pseudonym", name), button);
    const task = "Mark each vertebra, say its level, and whether its fracture is fresh or old by MRI and records.";
    this.setScreen("start", el("p", {}, `${films ?? ""} films. ${task}`), enter, el("p", { role: "alert", class: "problem" }, problem));
    (named ? button : name).focus();
  }

  async enter(reader, isNew = false) {
    const refuse = (error) => this.start(reader, Boolean(this.token), "", error.message);
    const next = await this.link.ask("start", { reader, token: this.token, is_new: isNew }, { seconds: 60 }).catch(refuse);
    if (!next) return;
    if (next.screen === "unknown") return this.unknown(next.reader);
    this.remember(next.reader);
    await this.begin(next);
  }

  unknown(reader) {
    const begin = el("button", { type: "button", class: "primary", onclick: () => this.enter(reader, true) }, `Begin as ${reader}`);
    const back = el("button", { type: "button", onclick: () => this.start(reader, false) }, "Back: I mistyped it");
    const words = `Nobody has annotated here as “${reader}” yet. Who did before goes on under the same name.`;
    this.setScreen("unknown", el("h3", {}, "A new name"), el("p", {}, words), el("p", { class: "start" }, back, begin));
    back.focus();
  }

  async begin(next) {
    this.words = next;
    this.films = next.films;
    const place = `ovcf-annotate ${this.cohort} ${next.reader}`;
    const kept = (event, answer) => this.kept(event, answer);
    this.queue = new KeepQueue(this.link, place, { kept, wait: (trouble) => this.note({ trouble }) });
    this.build(next.reader);
    await this.queue.run(); // what the last page could not send
    this.open(next.at);
  }

  build(reader) {
    const handlers = { onbox: (box) => this.boxed(box), onpress: (at) => this.pressed(at), onrelease: (kind) => this.released(kind) };
    this.viewer = new FilmViewer({ label: FILM_LABEL, editable: true, height: "min(80vh, 1400px)", ...handlers });
    this.viewer.core = 0.5;
    this.store = new FilmStore(this.link);
    this.chord = new LevelChord(this.words.levels, (level) => this.set("level", level), (words) => this.tell(words));
    this.panel = new MarkPanel(this.words, {
      set: (name, value) => this.set(name, value), remove: () => this.remove(), choose: (mark) => this.choose(mark, true),
      take: (down) => this.take(down), corners: () => this.corners(),
    }); // prettier-ignore
    this.bar = new FilmBar(this.words, {
      open: (number) => this.open(number), step: (by) => this.step(by), done: () => this.done(), undo: () => this.undo(),
      redo: () => this.redo(), exclude: (reason) => this.exclude(reason), margin: () => this.draw(),
    }); // prettier-ignore
    this.about = el("p", { class: "quiet about" });
    this.flags = el("div", { class: "flags" });
    const keys = el("details", {}, el("summary", {}, "Keys"), el("p", { class: "quiet" }, keyHelp(ANNOTATING_KEYS)));
    const film = el("div", {}, this.about, this.flags, this.viewer.node, keys);
    this.setScreen("film", this.bar.node, el("div", { class: "columns" }, film, this.panel.node));
    this.page.dataset.reader = reader;
  }

  // Films

  async open(number) {
    this.settle();
    await this.queue.idle;
    const began = performance.now();
    const coming = this.store.get(number);
    const film = await this.link.ask("film", { number }, { seconds: 30 });
    this.film = null; // keys have nothing to act on while the next film comes
    this.choose("");
    let shown = null;
    try {
      shown = film.unreadable ? null : await coming;
    } catch (error) {
      film.unreadable = error.message;
    }
    this.adopt(film);
    this.since = performance.now();
    if (shown) this.viewer.show(shown.image, { scale: shown.scale, keep: true });
    this.about.textContent = this.aboutFilm(film, shown);
    this.showFlags(film);
    this.refresh();
    this.viewer.canvas.focus({ preventScroll: true });
    this.page.dataset.film = film.film;
    requestAnimationFrame(() => this.page.setAttribute("data-opened-in", Math.round(performance.now() - began)));
    for (const ahead of [this.nextOpen(number), number + 1]) if (this.films[ahead]) this.store.get(ahead).catch(() => {});
    if (shown) this.again(film.film);
  }

  /** Proposals need the film's greys, which the kernel may have had only after the marks were asked for. */
  async again(name) {
    if (this.film.marks.size < 2) return;
    const film = await this.link.ask("film", { number: this.film.number });
    if (this.film?.film === name && !this.queue.waiting.length && !this.timer) this.adopt(film), this.refresh();
  }

  aboutFilm({ film, patient, known, excluded, unreadable }, shown) {
    const out = excluded ? `Left out by the studies table: ${excluded}. ` : "";
    const bad = unreadable ? `Cannot be read: ${unreadable}. ` : "";
    return `${out}${bad}${film}, patient ${patient}. ${known.join(", ")} ${shown ? `${shown.spacing}. ${shown.notes.join("; ")}` : ""}`;
  }

  showFlags({ flags }) {
    const line = ({ patch_id, words, box }) => {
      const go = () => this.zoomTo(box);
      return el("button", { type: "button", disabled: !box, onclick: go }, `⚑ ${patch_id}: ${words}`);
    };
    this.flags.replaceChildren(...flags.map(line));
    const first = flags.find(({ box }) => box);
    if (first) this.zoomTo(first.box);
  }

  zoomTo([x0, y0, x1, y1]) {
    const { viewer } = this;
    const mark = [...this.film.marks.values()].find((m) => m.x0 < (x0 + x1) / 2 && m.x1 > (x0 + x1) / 2 && m.y0 < (y0 + y1) / 2 && m.y1 > (y0 + y1) / 2);
    if (mark) this.choose(mark.mark);
    const before = viewer.box;
    viewer.box = { x0, y0, x1, y1 };
    viewer.zoomToBox();
    viewer.box = before;
    this.draw();
  }

  adopt({ marks, ...film }) {
    this.film = { ...this.film, ...film, marks: new Map(marks.map((mark) => [mark.mark, mark])) };
    if (!this.film.marks.has(this.chosen)) this.chosen = "";
  }

  nextOpen(number) {
    const order = [...this.films.keys()].map((i) => (number + 1 + i) % this.films.length);
    return order.find((i) => !this.films[i].done && !this.films[i].out && i !== number) ?? -1;
  }

  step(by) {
    const number = this.film.number + by;
    if (!this.films[number]) return;
    this.tell("");
    this.open(number);
  }

  done() {
    this.settle();
    const { number, exclusion, marks } = this.film;
    const less = [...marks.values()].filter(({ level, label }) => !(level && label)).length;
    if (less && !exclusion && this.warned !== number) {
      this.warned = number;
      return this.tell(`${less} mark${less > 1 ? "s have" : " has"} no level or label yet. Press d again to go on all the same.`);
    }
    this.say({ act: "film", done: true, exclusion });
    Object.assign(this.films[number], { done: true, out: exclusion, marks: marks.size });
    const next = this.nextOpen(number);
    if (next >= 0) return this.open(next);
    this.refresh();
    this.tell("Every film is done. Thank you; you may still correct any of them.");
  }

  exclude(exclusion) {
    Object.assign(this.film, { exclusion });
    Object.assign(this.films[this.film.number], { out: exclusion, done: Boolean(exclusion) });
    this.say({ act: "film", done: Boolean(exclusion), exclusion });
    this.refresh();
  }

  // What is said

  get held() {
    return this.film?.marks.get(this.chosen);
  }

  say(event) {
    const seconds = Math.min(LONGEST_LOOK, (performance.now() - this.since) / 1000);
    this.since = performance.now();
    this.tell("");
    this.queue.push({ film: this.film.film, seconds, ...event });
    this.page.dataset.waiting = this.queue.waiting.length;
  }

  /** The kernel has it: what it says of the film stands, unless more was done since. */
  kept(event, answer) {
    this.page.dataset.waiting = this.queue.waiting.length;
    this.page.dataset.kept = Number(this.page.dataset.kept ?? 0) + 1;
    if (answer.refused) this.tell(`Not kept: ${answer.refused}`);
    if (this.film?.film !== event.film || this.queue.waiting.length || this.timer) return;
    if (answer.refused) this.open(this.film.number);
    else {
      this.adopt(answer);
      this.refresh();
    }
  }

  commit(mark) {
    this.film.marks.set(mark.mark, mark);
    this.chosen = mark.mark;
    this.film.proposals = this.film.proposals.filter((proposal) => !isAbout(proposal, mark));
    this.say({ act: "mark", ...mark });
    this.refresh();
  }

  set(name, value) {
    this.settle();
    if (this.held) this.commit({ ...this.held, [name]: value });
    else this.tell("No mark is in hand.");
  }

  cycle(name, values) {
    const order = ["", ...values];
    if (this.held) this.set(name, order[(order.indexOf(this.held[name]) + 1) % order.length]);
  }

  shiftLevel(by) {
    const { levels } = this.words;
    const level = levels[levels.indexOf(this.held?.level) + by];
    if (this.held?.level && level) this.set("level", level);
  }

  remove() {
    this.settle();
    if (!this.held) return;
    this.say({ act: "unmark", mark: this.chosen });
    this.film.marks.delete(this.chosen);
    this.choose("");
  }

  undo() {
    this.settle();
    if (this.film) this.say({ act: "undo" });
  }

  redo() {
    this.settle();
    if (this.film) this.say({ act: "redo" });
  }

  take(down) {
    this.settle();
    const { proposals } = this.film;
    const next = proposals.find((proposal) => proposal.down === down) ?? (down ? proposals[0] : null);
    if (next) this.takeUp(next);
    else this.tell(this.film.marks.size < 2 ? "Boxes are proposed once two are drawn." : "No further box is proposed.");
  }

  takeUp({ level, ...box }) {
    this.commit({ ...newMark(boxOf(this.viewer.boxOnFilm(box))), level, source: "proposed" });
  }

  // Boxes

  choose(name, inView = false) {
    this.settle();
    this.chosen = name;
    if (this.film) this.refresh();
    if (inView && this.held) this.viewer.centreOn(this.held);
  }

  let() {
    this.viewer.stopMeasuring();
    this.choose("");
  }

  neighbour(by) {
    const marks = spineOrder(this.film);
    const at = marks.findIndex(({ mark }) => mark === this.chosen);
    const next = at < 0 ? marks[0] : marks[at + by];
    if (next) this.choose(next.mark);
  }

  /** A press outside the box in hand lets it go: a drag from there draws a new box, a click takes up what is beneath. */
  pressed(point) {
    this.dragging = true;
    const under = (box) => this.viewer.holds(box, point);
    this.beneath = [...this.film.marks.values()].find(under) ?? this.film.proposals.find(under);
    this.choose("");
  }

  /** The box was drawn, moved or sized; it counts when the drag ends, or the arrow keys rest. */
  boxed(box) {
    if (!box || !this.film) return;
    const { held } = this;
    if (held) this.film.marks.set(this.chosen, { ...held, ...box, corners: movedCorners(held, box) });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (this.dragging ? null : this.settle()), KEY_PAUSE);
  }

  released(kind) {
    this.dragging = false;
    const { beneath } = this;
    this.beneath = null;
    if (kind !== "draw" || this.viewer.box || !beneath) this.settle();
    else if (beneath.mark) this.choose(beneath.mark);
    else this.takeUp(beneath);
  }

  /** What was drawn or moved counts. */
  settle() {
    if (!this.timer || !this.film) return;
    clearTimeout(this.timer);
    this.timer = 0;
    const { box } = this.viewer;
    if (this.held) this.commit(this.held);
    else if (box && box.x1 - box.x0 >= 1 && box.y1 - box.y0 >= 1) this.commit(newMark(box));
  }

  corners() {
    this.settle();
    const mark = this.held;
    if (this.film) this.tell("Click the corners: upper front, upper back, lower back, lower front.");
    const done = (points) => {
      const corners = points.flat().map(roundedToTenth);
      const [xs, ys] = [0, 1].map((k) => points.map((point) => roundedToTenth(point[k])));
      const box = { x0: Math.min(...xs), y0: Math.min(...ys), x1: Math.max(...xs), y1: Math.max(...ys) };
      this.viewer.stopMeasuring();
      this.tell("");
      this.commit({ ...(mark ?? newMark(box)), ...box, corners });
    };
    this.viewer.measure(4, { done });
  }

  nextPreset() {
    const names = PRESETS.map(([name]) => name);
    this.viewer.usePreset(names[(names.indexOf(this.viewer.preset) + 1) % names.length]);
  }

  // What is seen

  refresh() {
    this.panel.show(this.film, this.chosen);
    this.bar.show(this.films, this.film);
    this.draw();
    this.page.dataset.marks = this.film.marks.size;
    this.page.dataset.proposals = this.film.proposals.length;
    this.page.dataset.held = this.held ? `${this.held.level} ${this.held.label} ${boxWords(this.held)}` : "";
  }

  draw() {
    const { viewer, film } = this;
    if (!film) return;
    const others = [...film.marks.values()].filter(({ mark }) => mark !== this.chosen);
    const solid = (mark) => ({ ...boxOf(mark), label: callWords(mark), colour: CALL_COLOURS[mark.label], dash: [] });
    const offered = film.proposals.map((box) => ({ ...boxOf(box), label: `${box.level || "next"}?`, ...PROPOSED }));
    const flagged = film.flags.filter(({ box }) => box).map(({ box: [x0, y0, x1, y1] }) => ({ x0, y0, x1, y1, label: "⚑", ...FLAGGED }));
    viewer.boxes = [...flagged, ...offered, ...others.map(solid)];
    viewer.margin = film.mm_per_px ? Number(this.bar.margin.value) / film.mm_per_px : this.words.margin_px;
    if (!this.timer) viewer.box = this.held ? boxOf(this.held) : null;
    viewer.draw();
  }

  // Keys

  press(event) {
    if (this.page.dataset.screen !== "film" || !this.film || event.altKey || isTyping(event.target)) return;
    const plain = !event.ctrlKey && !event.metaKey;
    const isLevel = plain && (this.chord.isOpen || /^[tl]$/i.test(event.key));
    const act = isLevel ? () => this.chord.press(event.key) : annotatingAct(this, event);
    if (!act || act() === false) return;
    event.preventDefault();
    event.stopPropagation();
  }

  // A web browser may keep nothing; then a reload asks for the name.

  remembered() {
    try {
      return sessionStorage.getItem("ovcf-annotator") ?? "";
    } catch {
      return "";
    }
  }

  remember(name) {
    try {
      sessionStorage.setItem("ovcf-annotator", name);
    } catch {
      // the next reload asks for the name
    }
  }

  close() {
    if (this.queue) this.queue.closed = true;
    clearTimeout(this.timer);
    this.viewer?.close();
  }
}

const EMPTY = { level: "", label: "", on_purpose: false, t1: "", t2: "", stir: "", percussion: "", comment: "", corners: [] };
/** A mark that the kernel has not seen: it counts the level from the neighbours, as long as none is said. */
const newMark = (box) => ({ mark: newName(), ...EMPTY, source: "drawn", ...box, heights: "", count_level: true });

/** Whether a proposal is where a mark is now. */
function isAbout(box, mark) {
  const [x, y] = [(mark.x0 + mark.x1) / 2, (mark.y0 + mark.y1) / 2];
  return x > box.x0 && x < box.x1 && y > box.y0 && y < box.y1;
}

/** Corners carried along when their box is moved or sized. */
function movedCorners({ corners, x0, y0, x1, y1 }, box) {
  const along = (value, from, to, low, high) => roundedToTenth(low + ((value - from) / (to - from)) * (high - low));
  return (corners ?? []).map((value, i) =>
    i % 2 ? along(value, y0, y1, box.y0, box.y1) : along(value, x0, x1, box.x0, box.x1),
  );
}

function render({ model, el: host }) {
  const make = (...parts) => new AnnotationPage(...parts);
  return askingPage(model, host, { name: "annotate", title: "Annotation", gone: GONE, make });
}

export default { render };
