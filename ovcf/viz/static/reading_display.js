// The check of the display at the start of a session: two steps of grey that must be told apart, and a known length.

// SMPTE RP 133: 5 % in black and 95 % in white must both show
const STEPS = [
  { name: "dark", ground: "#000000", step: "#0d0d0d", words: "Dark: which of the four fields holds a square?" },
  { name: "light", ground: "#ffffff", step: "#f2f2f2", words: "Light: which of the four fields holds a square?" },
];
const FIELDS = 4;
// ISO/IEC 7810 ID-1: the size of every bank card, mm
const CARD = { long: 85.6, short: 53.98 };
const NARROW = 640; // px of a window in which only the short edge fits
const NOT_APART =
  "A step did not show. Raise the screen's brightness, dim the room, avoid reflections, and check again. " +
  "You may go on all the same: it is kept with your readings that the step was not told apart.";

const screenName = () => `${screen.width} x ${screen.height}, ${window.devicePixelRatio || 1}`;

class DisplayCheck {
  /** `done` is called with what was found. */
  constructor(done) {
    this.done = done;
    this.tries = 0;
    this.node = el("div", { class: "display" });
    this.begin();
  }

  begin() {
    this.tries++;
    this.found = {};
    this.ask(0);
  }

  show(title, ...nodes) {
    const heading = el("h3", { tabindex: -1 }, title);
    this.node.replaceChildren(heading, ...nodes);
    heading.focus();
  }

  ask(number) {
    const { name, ground, step, words } = STEPS[number];
    const at = Math.floor(Math.random() * FIELDS);
    const choose = (i) => {
      this.found[name] = i === at;
      if (number + 1 < STEPS.length) this.ask(number + 1);
      else if (STEPS.every((s) => this.found[s.name])) this.measure();
      else this.refuse();
    };
    const label = (i) => ({ type: "button", "aria-label": `Field ${i + 1}`, class: "step", onclick: () => choose(i) });
    const square = (i) => el("span", { class: "square", style: `background:${i === at ? step : ground}` });
    const fields = Array.from({ length: FIELDS }, (_, i) =>
      el("li", {}, el("button", { ...label(i), style: `background:${ground}` }, square(i)), el("kbd", {}, i + 1)),
    );
    this.choose = choose;
    const none = el("button", { type: "button", class: "none", onclick: () => choose(-1) }, "I see none (0)");
    this.show(`Your screen, ${number + 1} of 3`, el("p", {}, words), el("ul", { class: "steps" }, fields), none);
  }

  refuse() {
    this.choose = null;
    const again = el("button", { type: "button", class: "primary", onclick: () => this.begin() }, "Check again (Enter)");
    const goOn = el("button", { type: "button", onclick: () => this.measure() }, "Go on all the same");
    this.show("A step was not told apart", el("p", {}, NOT_APART), again, goOn);
    again.focus();
  }

  measure() {
    this.choose = null;
    const edge = window.innerWidth < NARROW ? "short" : "long";
    const bar = el("div", { class: "card" });
    const set = () => {
      bar.style.width = `${slider.value}px`;
    };
    const most = Math.min(900, this.node.clientWidth || 900);
    const slider = el("input", { type: "range", min: 120, max: most, step: 1, value: CARD[edge] * 3.78, oninput: set });
    const finish = (isMeasured) => this.finish(isMeasured ? Number(slider.value) / CARD[edge] : null);
    const keep = el("button", { type: "button", class: "primary", onclick: () => finish(true) }, "It fits (Enter)");
    const skip = el("button", { type: "button", onclick: () => finish(false) }, "I have no card at hand");
    set();
    const words = `Hold a bank card to the bar and make the bar as long as the card's ${edge} edge (${CARD[edge]} mm).`;
    const control = form({ class: "measure" }, () => finish(true), field("Length (arrow keys)", slider), keep, skip);
    this.show("Your screen, 3 of 3", el("p", {}, words), bar, control);
    slider.focus();
  }

  finish(px_per_mm) {
    const { innerWidth, innerHeight, devicePixelRatio } = window;
    const size = { width: innerWidth, height: innerHeight, ratio: devicePixelRatio || 1 };
    this.done({ screen: screenName(), ...this.found, px_per_mm, tries: this.tries, ...size });
  }

  /** Digits choose a field; nothing else is a key here. */
  press({ key }) {
    if (!this.choose || !/^[0-4]$/.test(key)) return false;
    this.choose(Number(key) - 1);
    return true;
  }
}
