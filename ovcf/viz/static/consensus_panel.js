// What is decided about one difference of two annotators, and what the session as a whole has come to.

const SIDE_COLOURS = ["#56B4E9", "#FF8A3D"]; // of the first and the second annotator's marks

class DecisionPanel {
  /** `acts`: decide(choice, values), own(values) while they are changed. */
  constructor(words, names, acts) {
    Object.assign(this, { words, names, acts });
    this.node = el("section", { class: "held", "aria-label": "Decision" });
    this.level = dropdown([["", "level?"], ...words.levels.map((level) => [level, level])], "", { "data-name": "level" });
    this.label = dropdown([["", "label?"], ...words.labels.map((label) => [label, label])], "", { "data-name": "label" });
    this.purpose = el("input", { type: "checkbox" });
    this.exclusion = dropdown([["", "stays in the study"], ...words.exclusions.map((reason) => [reason, reason])], "", {
      "data-name": "exclusion",
    });
    this.comment = el("input", { type: "text", maxlength: 2000, "data-name": "comment" });
  }

  show(item) {
    const pair = item.pair === null ? null : item.pairs[item.pair];
    const title = el("h3", { tabindex: -1 }, `They differ in: ${item.differences.join(", ")}`);
    const decided = item.decided ? el("p", { class: "decided" }, `Decided: ${item.decided}`) : null;
    const shift = item.shift ? el("p", { class: "notice" }, item.shift) : null;
    const rows = pair ? this.ofVertebra(item, pair) : this.ofFilm(item);
    this.node.replaceChildren(title, ...[shift, decided, ...rows].filter(Boolean), field("Comment", this.comment));
    this.comment.value = "";
    title.focus({ preventScroll: true });
  }

  ofVertebra(item, pair) {
    const start = pair[0] ?? pair[1];
    this.level.value = start.level;
    this.label.value = start.label;
    this.purpose.checked = start.on_purpose;
    const sides = pair.map((mark, k) => this.side(k, mark ? `${callWords(mark)}${details(mark)}` : "no mark here", Boolean(mark)));
    const own = () => ({ level: this.level.value, label: this.label.value, on_purpose: this.purpose.checked });
    const purpose = el("label", { class: "check" }, this.purpose, " normal, taken as old on purpose");
    return [
      el("div", { class: "sides" }, sides),
      el("div", { class: "mri" }, field("Level", this.level), field("Label", this.label)), purpose,
      this.button(`Otherwise: this level and label, the box in hand or else ${this.names[pair[0] ? 0 : 1]}’s (s)`, "own", () => this.acts.decide("own", own())),
      this.button("No case of the study (x)", "no case", () => this.acts.decide("no case", {})),
    ]; // prettier-ignore
  }

  ofFilm(item) {
    const words = item.exclusions.map((reason) => reason || "stays in the study");
    const sides = words.map((said, k) => this.side(k, said, true));
    const own = () => this.acts.decide("own", { exclusion: this.exclusion.value });
    return [el("div", { class: "sides" }, sides), field("Otherwise", this.exclusion), this.button("Decide so (s)", "own", own)];
  }

  side(k, said, possible) {
    const choice = ["first", "second"][k];
    const act = () => this.acts.decide(choice, {});
    const button = this.button(`As ${this.names[k]} (${k + 1})`, choice, act);
    button.disabled = !possible;
    return el("div", { class: "side", style: `border-color:${SIDE_COLOURS[k]}` }, el("p", {}, el("b", {}, this.names[k]), `: ${said}`), button);
  }

  button(text, choice, act) {
    return el("button", { type: "button", "data-choice": choice, onclick: act }, text);
  }
}

/** MRI, pain and comment of a mark, as far as they were said. */
function details({ t1, t2, stir, percussion, comment, on_purpose: purpose }) {
  const said = [["T1", t1], ["T2", t2], ["STIR", stir], ["percussion pain", percussion]].filter(([, value]) => value);
  const words = said.map(([name, value]) => `${name} ${value}`);
  return [purpose ? ", on purpose" : "", words.length ? `; ${words.join(", ")}` : "", comment ? `; “${comment}”` : ""].join("");
}

/** The agreement before the session, what must be known, and the button that writes the manifest. */
function sessionSummary({ agreement, remarks }, write) {
  const number = (value) => (value === null ? "not defined" : rounded(value, 2));
  const row = ({ measure, value, low, high, n, patients }) =>
    el("tr", {}, [measure, `${number(value)} [${number(low)}, ${number(high)}]`, n, patients].map((cell) => el("td", {}, String(cell))));
  const head = el("tr", {}, ["Measure", "Value [95 % interval]", "n", "Patients"].map((cell) => el("th", { scope: "col" }, cell)));
  const table = el("table", {}, el("thead", {}, head), el("tbody", {}, agreement.map(row)));
  const button = el("button", { type: "button", class: "primary", "data-act": "write", onclick: write }, "Write manifest and tables");
  return el(
    "div",
    { class: "summary" },
    el("h3", {}, "Agreement before the joint session"),
    el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Agreement" }, table),
    el("h3", {}, "To know"),
    el("ul", { class: "remarks" }, remarks.map((words) => el("li", {}, words))),
    button,
  );
}
