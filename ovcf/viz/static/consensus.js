// The joint session: only what two annotators differ in, both marks in two colours, and the decision with who and when.

const GONE = "The program behind this page does not answer. Every decision that was kept is saved. Reload the page to go on.";
const FILM_LABEL = "Film with the marks of both annotators. The box in hand can be moved and resized for a decision of your own.";

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
    this.viewer = new FilmViewer({ label: FILM_LABEL, editable: true, height: "min(70vh, 800px)" });
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
    const shown = (mark, k, now) => ({ ...boxOf(mark), label: callWords(mark), colour: SIDE_COLOURS[k], dash: now ? [] : [2, 5] });
    viewer.boxes = item.pairs.flatMap((pair) => pair.map((mark, k) => mark && shown(mark, k, pair === held)).filter(Boolean));
    viewer.box = held ? boxOf(held[0] ?? held[1]) : null;
    if (held) viewer.zoomToBox();
    else viewer.refit();
    if (held) viewer.zoomBy(0.55);
    viewer.draw();
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
    const box = choice === "own" && this.item.pair !== null ? this.viewer.box : {};
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
