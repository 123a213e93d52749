// The joint session: only what two annotators differ in, both marks in two colours, and the decision with who and when.

const GONE = "The program behind this page does not answer. Every decision that was kept is saved. Reload the page to go on.";
const FILM_LABEL =
  "Film with the marks of both annotators. A press on one of them, or an arrow key, takes a copy of its box in hand, to be " +
  "moved and resized for a decision of your own.";
const SIDE_DASHES = [[], [9, 9]]; // where two marks lie on one another, both colours are seen

class ConsensusPage {
  constructor(page, link, body, told) {
    Object.assign(this, { page, link, body, told });
    this.item = null;
    page.addEventListener("keydown", (event) => this.press(event), true);
  }

  tell(words) {
    this.told.textContent = words;
  }

  hello(session) {
    this.session = session;
    this.store = new FilmStore(this.link);
    const onpress = (point) => this.pressed(point);
    this.viewer = new FilmViewer({ label: FILM_LABEL, editable: true, height: "min(76vh, 1400px)", onpress });
    this.viewer.beneath = true;
    this.viewer.firstBox = () => boxOf(this.take(this.sides()[0]));
    this.who = el("input", { type: "text", maxlength: 200, autocomplete: "off", "data-name": "who" });
    const decide = (choice, values) => this.decide(choice, values);
    this.panel = new DecisionPanel(session, session.names, { decide });
    this.items = el("ul", { class: "items", "aria-label": "Differences" });
    this.summary = el("div", {});
    this.about = el("p", { class: "quiet about" });
    this.count = el("p", { class: "count" });
    const side = el("div", { class: "panel" }, field("Who decides (all names)", this.who), this.panel.node, this.count, this.items);
    this.body.replaceChildren(el("div", { class: "columns" }, el("div", {}, this.about, this.viewer.node), side), this.summary);
    this.show(session);
    const first = session.items.find(({ open }) => open) ?? session.items[0];
    if (first) this.open(first.key);
    else this.nothing();
  }

  nothing() {
    const words = this.session.names.length < 2 ? "Two annotators are needed for a joint session." : "The two differ in nothing (yet).";
    this.panel.node.replaceChildren(el("h3", {}, words));
    this.page.dataset.item = "";
  }

  show(session) {
    Object.assign(this.session, session);
    const { items } = this.session;
    const open = items.filter((item) => item.open).length;
    this.page.dataset.open = open;
    this.count.textContent = `${items.length} differences, ${open} open`;
    this.items.replaceChildren(...items.map((item) => this.line(item)));
    this.summary.replaceChildren(sessionSummary(this.session, () => this.write()));
  }

  line({ key, film, differences, open, words }) {
    const pressed = String(this.item?.key === key);
    const text = `${open ? "○" : "●"} ${film}: ${words} (${differences.join(", ")})`;
    return el("li", {}, el("button", { type: "button", "aria-pressed": pressed, onclick: () => this.open(key) }, text));
  }

  async open(key) {
    const item = await this.link.ask("item", { key }).catch((error) => this.tell(error.message));
    if (!item) return;
    const film = await this.store.get(item.number).catch((error) => this.tell(error.message));
    const isOther = this.item?.film !== item.film;
    this.item = item;
    this.about.textContent = `${item.film}, patient ${item.patient}. ${item.known.join(", ")}`;
    if (film && isOther) this.viewer.show(film.image, { scale: film.scale, keep: true });
    this.drawMarks();
    this.panel.show(item);
    this.show({});
    this.page.dataset.item = key;
    const next = this.session.items.find((one) => one.open && one.film !== item.film);
    if (next) this.link.ask("item", { key: next.key }).then((ahead) => this.store.get(ahead.number)).catch(() => {});
  }

  drawMarks() {
    const { viewer, item } = this;
    const held = item.pair === null ? null : item.pairs[item.pair];
    const look = (k, now) => ({ colour: SIDE_COLOURS[k], dash: now ? SIDE_DASHES[k] : [2, 5], line: k });
    const shown = (mark, k, now) => ({ ...boxOf(mark), label: callWords(mark), ...look(k, now) });
    viewer.boxes = item.pairs.flatMap((pair) => pair.map((mark, k) => mark && shown(mark, k, pair === held)).filter(Boolean));
    viewer.box = this.taken = null; // nothing but the two marks, until one is taken in hand
    viewer.about = held && boxOf(held[0] ?? held[1]);
    viewer.editable = Boolean(held);
    if (held) viewer.zoomToBox();
    else viewer.refit();
    if (held) viewer.zoomBy(0.55);
    viewer.draw();
  }

  /** The marks of the vertebra in question: of both annotators, or of the only one who has it. */
  sides() {
    return (this.item?.pairs[this.item.pair] ?? []).filter(Boolean);
  }

  /** A press on a mark takes a copy of its box in hand: of two that lie there, the one whose edge is nearer. */
  pressed([x, y]) {
    const edge = ({ x0, y0, x1, y1 }) => Math.min(...[x - x0, x1 - x, y - y0, y1 - y].map(Math.abs));
    const [under] = this.sides().filter((mark) => this.viewer.holds(mark, [x, y])).sort((a, b) => edge(a) - edge(b)); // prettier-ignore
    if (under) this.viewer.setBox(boxOf(this.take(under)));
  }

  take(mark) {
    this.taken = mark;
    return mark;
  }

  /** The box of a decision of their own: the one in hand, else the first mark's; corners go with a box as it was. */
  ownBox() {
    const start = (this.viewer.box && this.taken) ?? this.sides()[0];
    const box = this.viewer.box ?? boxOf(start);
    return { ...box, corners: SIDES.every((side) => box[side] === start[side]) ? start.corners : [] };
  }

  async decide(choice, values) {
    const who = this.who.value.trim();
    if (!who) {
      this.tell("Say who decides.");
      return this.who.focus();
    }
    if (this.busy) return; // the next difference is not in sight yet
    this.busy = true;
    await this.keep(who, choice, values).catch((error) => this.tell(`Not kept: ${error.message}`));
    this.busy = false;
  }

  async keep(who, choice, values) {
    const { key } = this.item;
    const box = choice === "own" && this.item.pair !== null ? this.ownBox() : {};
    const question = { key, who, choice, ...box, ...values, comment: this.panel.comment.value };
    const session = await this.link.ask("decide", question);
    this.tell(`Kept: ${choice}, by ${who}.`);
    this.page.dataset.item = "";
    this.show(session);
    const next = session.items.find(({ open }) => open);
    await this.open((next ?? { key }).key);
  }

  async write() {
    const who = this.who.value.trim();
    if (!who) {
      this.tell("Say who writes it, under who decides.");
      return this.who.focus();
    }
    const done = await this.link.ask("write", { who }, { seconds: 60 }).catch((error) => this.tell(`Not written: ${error.message}`));
    if (!done) return;
    this.tell([done.words, ...done.notes].join(" · "));
    this.page.dataset.written = done.words;
  }

  press(event) {
    const { key, ctrlKey, metaKey, altKey, target } = event;
    if (ctrlKey || metaKey || altKey || isTyping(target) || !this.item) return;
    if (key === "Escape") return this.viewer.setBox(null);
    const choice = { 1: "first", 2: "second", s: "own", x: "no case" }[key.toLowerCase()];
    const button = choice && this.panel.node.querySelector(`[data-choice="${choice}"]:not(:disabled)`);
    if (!button) return;
    event.preventDefault();
    event.stopPropagation();
    button.click();
  }

  close() {
    this.viewer?.close();
  }
}

function render({ model, el: host }) {
  const make = (...parts) => new ConsensusPage(...parts);
  return askingPage(model, host, { name: "consensus", title: "Joint session", gone: GONE, make });
}

export default { render };
