// The reading room: one case at a time, by keyboard alone. The next case shows only after the kernel has said that
// the last answer is on the disk; what is chosen and not confirmed is kept too, and comes back.

const GONE =
  "The program behind this page does not answer. Every answer up to the last “kept” is saved, and what you had chosen " +
  "for the open case. Reload the page: it goes on there.";
const TASK =
  "You will see one vertebra at a time, without name, level or report. Say whether its fracture is fresh or old, " +
  "and how sure you are. You may stop at any time and go on another day.";
const PAUSED = "Paused. The clock stands still. You may close this page and come back on another day.";
const OPENING = "Opening the first case…";
const REMEMBERED = "ovcf-room-reader"; // in this tab only, so that a reload goes on by itself

class ReadingRoom {
  constructor(page, link, body, kept) {
    Object.assign(this, { page, link, body, kept });
    this.shots = pictures();
    this.screen = ""; // "start", "unknown", "display", "case", "paused", "feedback", "washout" or "finished"
    this.case = null; // the case in sight; keys have something to act on only while there is one
    this.check = null; // of the display, while it goes on
    this.last = null; // name of the last answer, which may be marked as mis-keyed
    this.starting = false;
    this.token = tokenOfLink();
    this.listen();
  }

  listen() {
    const listeners = [
      [document, "visibilitychange", () => document.hidden && this.pause()],
      [window, "pagehide", () => this.draft()],
      [window, "hashchange", () => this.otherLink()],
      [window, "blur", () => this.case?.counts.leave()],
      [window, "focus", () => this.case?.counts.comeBack()],
      [this.page, "keydown", (event) => this.press(event)],
    ];
    for (const [target, name, act] of listeners) target.addEventListener(name, act);
    this.deafen = () => listeners.forEach(([target, name, act]) => target.removeEventListener(name, act));
  }

  /** Another reader's link in the same window: a browser does not load the page for what follows #. */
  otherLink() {
    const token = tokenOfLink();
    if (token && token !== this.token) location.reload();
  }

  setScreen(screen) {
    this.screen = screen;
    this.page.dataset.screen = screen;
  }

  show(screen, ...nodes) {
    this.setScreen(screen);
    this.body.replaceChildren(...nodes);
  }

  say(screen, title, ...nodes) {
    const heading = el("h3", { tabindex: -1 }, title);
    this.show(screen, heading, ...nodes.map((node) => (node instanceof Node ? node : el("p", {}, node))));
    heading.focus();
  }

  // Coming in

  /** The first screen; a tab that was reading goes on by itself. */
  hello({ label, reader, named, words }) {
    this.label = label;
    if (words) return this.say("refused", "This link does not open the reading room", words);
    const before = named ? reader : remembered();
    if (before && remembered() === before) return this.enter(before);
    this.start(reader, named);
  }

  start(reader, named, problem = "") {
    const attributes = { type: "text", maxlength: 40, value: reader ?? "", autocomplete: "off", required: true };
    const name = el("input", { ...attributes, readonly: named });
    const button = el("button", { type: "submit", class: "primary" }, "Start or go on (Enter)");
    const enter = form({ class: "start" }, () => this.enter(name.value), field("Your name or pseudonym", name), button);
    this.problem = el("p", { role: "alert", class: "problem" }, problem);
    const task = [el("p", {}, this.label), el("p", {}, TASK)];
    this.show("start", ...task, enter, this.problem, el("p", { class: "quiet" }, "Keys: ", keyHelp(READING_KEYS)));
    (named ? button : name).focus();
  }

  async enter(reader, isNew = false) {
    if (this.starting) return;
    this.starting = true;
    const question = { reader, token: this.token, is_new: isNew, screen: screenName() };
    const refuse = (error) => this.start(reader, Boolean(this.token), error.message);
    const next = await this.link.ask("start", question, { seconds: 60 }).catch(refuse);
    this.starting = false;
    if (!next) return;
    if (next.screen !== "unknown") remember(reader);
    this.go(next);
  }

  unknown({ reader }) {
    const begin = { type: "button", class: "primary", onclick: () => this.enter(reader, true) };
    const back = el("button", { type: "button", onclick: () => this.start(reader, false) }, "Back: I mistyped it");
    const words = `Nobody has read here as “${reader}” yet. Who read before goes on under the same name.`;
    const both = el("p", { class: "start" }, back, el("button", begin, `Begin as ${reader}`));
    this.say("unknown", "A new name", words, both);
    back.focus();
  }

  display() {
    const done = async (found) => {
      this.check = null;
      this.show("opening", el("p", { role: "status" }, OPENING));
      const next = await this.link.ask("display", { found }).catch((error) => this.tell(`Not kept: ${error.message}`));
      if (next) this.go(next);
      else this.display();
    };
    this.check = new DisplayCheck(done);
    this.show("display", this.check.node);
    this.check.node.querySelector("h3").focus();
  }

  // What the kernel says comes next

  go(next) {
    this.leaveCase();
    this.last = next.last ?? null;
    const screens = {
      case: () => this.showCase(next),
      unknown: () => this.unknown(next),
      display: () => this.display(),
      washout: () => this.say("washout", "This session is complete", ...washoutWords(next.until), this.slipLine()),
      finished: () => this.say("finished", "All cases are read", "Thank you. Every answer is kept.", this.slipLine()),
      start: () => this.start(),
    };
    this.page.dataset.case = "";
    return screens[next.screen]();
  }

  slipLine() {
    return el("p", {}, slipButton(this.last, () => this.slip()));
  }

  tell(words) {
    this.kept.textContent = words;
  }

  // A case

  async showCase(next) {
    this.shots.clear();
    const grey = await decodeGrey(next.buffers[0]);
    const acts = { confirm: () => this.keep(), pause: () => this.pause(), slip: () => this.slip(), draft: () => this.draft() };
    this.case = new ReadingCase(next, this.shots, acts);
    this.show("case", ...this.case.nodes);
    this.case.begin(grey);
    this.case.counts.clock.start();
    this.page.dataset.case = `${next.session} ${next.order}`;
    this.page.dataset.period = next.period;
    if (document.hidden) this.pause();
    if (next.p_fresh !== undefined) this.askMap(this.case);
  }

  async askMap(shown) {
    const slot = shown.panel.querySelector(".mapslot");
    const refuse = (error) => slot.replaceChildren(el("p", { class: "quiet" }, error.message));
    const answer = await this.link.ask("map", { case: shown.given.case }, { seconds: 120 }).catch(refuse);
    if (!answer?.buffers || this.case !== shown) return;
    const [map, patch] = answer.buffers.map((buffer) => this.shots.url(buffer));
    const figure = mapOverPatch(patch, map, answer.note);
    for (const picture of figure.querySelectorAll("img")) picture.style.aspectRatio = String(answer.aspect);
    slot.replaceChildren(figure);
  }

  leaveCase() {
    this.case?.close();
    this.case = null;
  }

  /** Keep what is chosen for the open case. */
  draft() {
    if (!this.case || this.case.busy) return;
    const question = { case: this.case.given.case, ...this.case.values() };
    this.link.ask("draft", question).catch(() => {});
  }

  async keep() {
    if (!this.case?.isReady || this.screen !== "case") return;
    const { given, answer } = this.case;
    this.case.setBusy(true);
    const question = { case: given.case, ...this.case.values() };
    const refuse = (error) => this.tell(`Not kept: ${error.message}`);
    const next = await this.link.ask("answer", question, { seconds: 8 }).catch(refuse);
    if (!next) return this.resume();
    const first = "This case was already answered elsewhere; the first answer stands.";
    this.tell(next.kept ? `Kept: ${sessionWords(given.session).toLowerCase()} ${given.order} of ${given.of}.` : first);
    if (next.feedback) this.tellTruth(next, answer);
    else this.go(next);
  }

  /** After a refused answer: show the case that is open, which may be another (two windows, a restart). */
  async resume() {
    const next = await this.link.ask("case").catch(() => null);
    if (next && next.screen !== "start" && next.case !== this.case?.given.case) this.go(next);
    else this.case?.setBusy(false);
  }

  async slip() {
    if (!this.last) return;
    const next = await this.link.ask("slip", { case: this.last }).catch((error) => this.tell(error.message));
    if (!next) return;
    const marked = "Marked: your last answer was mis-keyed. Its case is asked again at the end; both answers are kept.";
    const stands = "Only the last answer can be marked, and it was followed by another.";
    this.tell(next.marked ? marked : stands);
    if (this.case && next.case === this.case.given.case) this.stay(next);
    else this.go(next);
  }

  /** The open case stays as it is, with what is chosen; only the last answer is marked. */
  stay(next) {
    this.last = next.last ?? null;
    if (!this.last) this.page.querySelector(".slip")?.remove();
  }

  tellTruth(next, said) {
    const { truth } = next.feedback;
    const go = el("button", { type: "button", class: "primary", onclick: () => this.go(next) }, "Next (Enter)");
    this.leaveCase();
    const title = said === truth ? "Right" : said === CANNOT_JUDGE ? `It is ${truth}` : "Not right";
    const words = `The study's reference says ${truth}; you said ${said}. Training answers are not counted.`;
    this.say("feedback", title, words, go);
    go.focus();
  }

  // Pausing

  /** The clock stands still, so the case may not be looked at. */
  pause() {
    if (this.screen !== "case" || !this.case) return;
    this.case.counts.pause();
    this.setScreen("paused");
    this.draft();
    this.case.view.hidden = true;
    const go = el("button", { type: "button", class: "primary", onclick: () => this.goOn(note) }, "Go on (Enter)");
    const note = el("div", { class: "pausenote" }, el("p", {}, PAUSED), go);
    this.body.append(note);
    go.focus();
  }

  goOn(note) {
    note.remove();
    this.case.view.hidden = false;
    this.setScreen("case");
    this.case.counts.goOn();
    this.case.title.focus();
  }

  // Keys

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const act = this.check ? () => this.check.press(event) : this.actOf(event);
    if (!act || act() === false) return;
    event.preventDefault();
    event.stopPropagation();
  }

  actOf({ key, target }) {
    const isMarkable = this.last && ["case", "washout", "finished"].includes(this.screen);
    if (key.toLowerCase() === "m" && isMarkable) return () => void this.slip();
    if (this.screen !== "case" || !this.case) return null;
    const acts = {
      f: () => this.case.pick("fresh"),
      o: () => this.case.pick("old"),
      j: () => this.case.pick(CANNOT_JUDGE),
      v: () => this.case.viewer.zoomToBox?.(),
      p: () => this.pause(),
      enter: () => void this.keep(),
    };
    if (/^[0-9]$/.test(key)) return () => this.case.digit(key);
    const isOtherButton = target.closest("button:not(.choice):not([data-confidence]), summary");
    if (key === "Enter" && isOtherButton) return null; // that button is meant
    return acts[key.toLowerCase()];
  }

  close() {
    this.deafen();
    this.shots.clear();
    this.case?.close();
  }
}

function washoutWords(until) {
  const at = new Date(until);
  const time = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const opens = `The next session opens on ${at.toLocaleDateString()} at ${time}.`;
  return [opens, "Come back with the same link or name. Your answers stay hidden until then and during it."];
}

const tokenOfLink = () => new URLSearchParams(location.hash.slice(1)).get("reader") ?? "";

// A browser may keep nothing; then a reload asks for the name.

function remembered() {
  try {
    return sessionStorage.getItem(REMEMBERED) ?? "";
  } catch {
    return "";
  }
}

function remember(reader) {
  try {
    sessionStorage.setItem(REMEMBERED, reader);
  } catch {
    // the next reload asks for the name
  }
}

function render({ model, el: host }) {
  const make = (page, link, body, kept) => {
    page.append(kept); // beneath the case, where the eye is after an answer
    return new ReadingRoom(page, link, body, kept);
  };
  return askingPage(model, host, { name: "room", title: "Reading room", gone: GONE, said: "kept", make });
}

export default { render };
