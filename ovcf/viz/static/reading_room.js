// The reading room: one case at a time, by keyboard alone. The next case shows only after the kernel has said that
// the last answer is on the disk.

const GONE =
  "The program behind this page does not answer. Every answer up to the last “kept” is saved. " +
  "Reload the page and enter the same name: it goes on with the case you have open.";
const TASK =
  "You will see one vertebra at a time, without name, level or film. Say whether its fracture is fresh or old, " +
  "and how sure you are. You may stop at any time and go on another day with the same name.";
const PAUSED = "Paused. The clock stands still. You may close this page and come back on another day.";

class ReadingRoom {
  constructor(page, link, body, kept) {
    Object.assign(this, { page, link, body, kept });
    this.shots = pictures();
    this.clock = caseClock();
    this.screen = ""; // "start", "case", "paused", "feedback", "washout" or "finished"
    this.case = null; // the case in sight; keys have something to act on only while there is one
    this.starting = false;
    this.pauseWhenHidden = () => {
      if (document.hidden) this.pause();
    };
    document.addEventListener("visibilitychange", this.pauseWhenHidden);
    page.addEventListener("keydown", (event) => this.press(event));
  }

  setScreen(screen) {
    this.screen = screen;
    this.page.dataset.screen = screen;
  }

  start({ label, current }) {
    const attributes = { type: "text", maxlength: 40, value: current ?? "", autocomplete: "off", required: true };
    const name = el("input", attributes);
    const problem = el("p", { role: "alert", class: "problem" });
    const enter = form(
      { class: "start" },
      () => this.enter(name.value, problem),
      field("Your name or pseudonym", name),
      el("button", { type: "submit", class: "primary" }, "Start or go on (Enter)"),
    );
    const keys = el("p", { class: "quiet" }, "Keys: ", keyHelp(READING_KEYS));
    this.setScreen("start");
    this.body.replaceChildren(el("p", {}, label), el("p", {}, TASK), enter, problem, keys);
    name.focus();
  }

  async enter(reader, problem) {
    if (this.starting) return;
    this.starting = true;
    const refuse = (error) => {
      problem.textContent = error.message;
    };
    const next = await this.link.ask("start", { reader }, { seconds: 60 }).catch(refuse);
    this.starting = false;
    if (next) this.show(next);
  }

  /** Show what the kernel says comes next. */
  async show(next) {
    this.leaveCase();
    if (next.screen === "case") return this.showCase(next);
    if (next.screen === "washout") this.say("The first session is complete", ...washoutWords(next.until));
    else if (next.screen === "finished") this.say("All cases are read", `Thank you. Your answers are in ${next.path}.`);
    else this.start({});
    this.setScreen(next.screen);
    this.page.dataset.case = "";
  }

  say(title, ...lines) {
    const heading = el("h3", { tabindex: -1 }, title);
    this.body.replaceChildren(heading, ...lines.map((line) => el("p", {}, line)));
    heading.focus();
  }

  // A case

  async showCase(next) {
    this.shots.clear();
    const grey = await decodeGrey(next.buffers[0]);
    const acts = { confirm: () => this.keep(), pause: () => this.pause() };
    this.case = new ReadingCase(next, this.shots, acts);
    this.body.replaceChildren(...this.case.nodes);
    this.case.begin(grey);
    this.clock.start();
    this.setScreen("case");
    this.page.dataset.case = `${next.session} ${next.order}`;
    this.pauseWhenHidden();
  }

  leaveCase() {
    this.clock.reset();
    this.case?.close();
    this.case = null;
  }

  async keep() {
    if (!this.case?.isReady || this.screen !== "case") return;
    const { given, answer, confidence } = this.case;
    this.case.setBusy(true);
    const { session, order, of } = given;
    const question = { session, order, answer, confidence, seconds: this.clock.seconds() };
    const refuse = (error) => {
      this.kept.textContent = `Not kept: ${error.message}`;
    };
    const next = await this.link.ask("answer", question, { seconds: 8 }).catch(refuse);
    if (!next) return this.resume();
    const kept = `Kept: ${session === "training" ? "training case" : "case"} ${order} of ${of}.`;
    const first = "This case was already answered elsewhere; the first answer stands.";
    this.kept.textContent = next.kept === false ? first : kept;
    if (next.feedback) this.tellTruth(next, answer);
    else this.show(next);
  }

  /** After a refused answer: show the case that is open, which may be another (two windows, a restart). */
  async resume() {
    const next = await this.link.ask("case").catch(() => null);
    const isOther = next && next.screen !== "start" && `${next.session} ${next.order}` !== this.page.dataset.case;
    if (isOther) this.show(next);
    else this.case?.setBusy(false);
  }

  tellTruth(next, said) {
    const { truth } = next.feedback;
    const go = el("button", { type: "button", class: "primary", onclick: () => this.show(next) }, "Next (Enter)");
    this.leaveCase();
    this.setScreen("feedback");
    this.body.replaceChildren(
      el("h3", {}, said === truth ? "Right" : "Not right"),
      el("p", {}, `MRI says ${truth}; you said ${said}. Training answers are not counted.`),
      go,
    );
    go.focus();
  }

  // Pausing

  /** The clock stands still, so the case may not be looked at. */
  pause() {
    if (this.screen !== "case" || !this.case) return;
    this.clock.stop();
    this.setScreen("paused");
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
    this.clock.start();
    this.case.title.focus();
  }

  // Keys

  press(event) {
    if (this.screen !== "case" || !this.case) return;
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const act = this.actOf(event);
    if (!act) return;
    act();
    event.preventDefault();
    event.stopPropagation();
  }

  actOf({ key, target }) {
    const acts = {
      f: () => this.case.pick("fresh"),
      o: () => this.case.pick("old"),
      p: () => this.pause(),
      enter: () => this.keep(),
    };
    if (/^[1-5]$/.test(key)) return () => this.case.rate(Number(key));
    const isOtherButton = target.closest("button:not(.choice):not([data-confidence])");
    if (key === "Enter" && isOtherButton) return null; // that button is meant
    return acts[key.toLowerCase()];
  }

  close() {
    document.removeEventListener("visibilitychange", this.pauseWhenHidden);
    this.shots.clear();
    this.case?.close();
  }
}

function washoutWords(until) {
  const at = new Date(until);
  const time = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const day = at.toLocaleDateString();
  return [
    `The second session, with the model's answer beside each case, opens on ${day} at ${time}.`,
    "Come back with the same name. Your first answers stay hidden until then and during it.",
  ];
}

function render({ model, el: host }) {
  const page = root("room", "Reading room");
  const gone = goneNotice(GONE);
  const link = questions(model, gone);
  const body = el("div", { class: "body" });
  const kept = el("p", { role: "status", class: "kept", "aria-live": "polite" });
  const research = el("span", { class: "research" }, "Research use only");
  page.append(el("header", {}, el("h2", {}, "Reading room"), research), gone, body, kept);
  host.append(page);
  const room = new ReadingRoom(page, link, body, kept);
  const refuse = (error) => body.replaceChildren(el("p", { role: "alert", class: "problem" }, error.message));
  link
    .ask("hello")
    .then((hello) => room.start(hello))
    .catch(refuse);
  return () => {
    link.close();
    room.close();
  };
}

export default { render };
