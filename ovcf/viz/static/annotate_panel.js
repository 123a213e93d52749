// What is said of the vertebra in hand, the marks of the film, and what becomes of the film.

const LABEL_KEYS = { fresh: "f", old: "o", normal: "n", "cannot say": "c" };
const NOTHING_HELD = "Draw a box around a vertebral body, or choose a mark.";

class MarkPanel {
  /** `acts`: set(name, value), remove, choose(mark), film(values), take(down), corners. */
  constructor(words, acts) {
    Object.assign(this, { words, acts });
    const set = (name) => (value) => acts.set(name, value);
    this.level = dropdown([["", "level?"], ...words.levels.map((level) => [level, level])], "", {
      "data-name": "level",
      onchange: () => acts.set("level", this.level.value),
    });
    this.labels = buttonRow(
      "Label",
      words.labels.map((label) => [label, `${label} (${LABEL_KEYS[label]})`]),
      set("label"),
    );
    this.purpose = el("input", { type: "checkbox", onchange: () => acts.set("on_purpose", this.purpose.checked) });
    this.signals = words.sequences.map((sequence) => this.choice(sequence, sequence.toUpperCase(), words.signals));
    this.percussion = this.choice("percussion", "Percussion pain", words.yes_no);
    this.comment = el("input", { type: "text", maxlength: 2000, onchange: () => acts.set("comment", this.comment.value) });
    this.box = el("p", { class: "quiet" });
    this.remove = el("button", { type: "button", onclick: acts.remove }, "Remove (Delete)");
    this.corners = el("button", { type: "button", onclick: acts.corners }, "Four corners (q)");
    this.take = el("button", { type: "button", class: "primary", onclick: () => acts.take(true) }, "");
    this.marks = el("ul", { class: "marks", "aria-label": "Marks of this film, from above" });
    this.problems = el("ul", { class: "problems", "aria-label": "What to look at again" });
    this.node = el("div", { class: "panel" }, this.ofMark(), this.take, el("h3", {}, "On this film"), this.marks, this.problems);
  }

  choice(name, text, values) {
    const node = dropdown([["", "–"], ...values.map((value) => [value, value])], "", {
      "data-name": name,
      onchange: () => this.acts.set(name, node.value),
    });
    return { name, node, field: field(text, node) };
  }

  ofMark() {
    this.title = el("h3", {}, NOTHING_HELD);
    const purpose = el("label", { class: "check" }, this.purpose, " normal, taken as old on purpose (p)");
    const mri = el("div", { class: "mri" }, this.signals.map(({ field }) => field), this.percussion.field);
    const buttons = el("div", { class: "keep" }, this.corners, this.remove);
    return el(
      "section",
      { class: "held", "aria-label": "Vertebra in hand" },
      this.title, field("Level (t or l, then its number)", this.level), this.labels.node, purpose, mri,
      field("Comment", this.comment), this.box, buttons,
    );
  }

  /** Show the film's marks, and what is said of the one in hand. */
  show(film, held) {
    const mark = held && film.marks.get(held);
    this.title.textContent = mark ? `Vertebra in hand: ${callWords(mark)}` : NOTHING_HELD;
    const controls = [this.level, this.purpose, this.comment, this.remove, this.percussion.node];
    for (const control of [...controls, ...this.signals.map(({ node }) => node)]) control.disabled = !mark;
    this.labels.enable(Boolean(mark));
    this.level.value = mark?.level ?? "";
    this.labels.show(mark?.label ?? null);
    this.purpose.checked = Boolean(mark?.on_purpose);
    this.purpose.disabled = mark?.label !== "normal";
    for (const { name, node } of [...this.signals, this.percussion]) node.value = mark?.[name] ?? "";
    if (document.activeElement !== this.comment) this.comment.value = mark?.comment ?? "";
    this.box.textContent = mark ? `Box ${boxWords(mark)}${mark.heights ? `; heights: ${mark.heights}` : ""}` : "";
    const next = film.proposals.find(({ down }) => down) ?? film.proposals[0];
    this.take.hidden = !next;
    this.take.textContent = next ? `Take the proposed ${next.level || "next box"} (Enter)` : "";
    this.marks.replaceChildren(...spineOrder(film).map((one) => this.line(one, held)));
    this.problems.replaceChildren(...film.problems.map((words) => el("li", {}, words)));
  }

  line(mark, held) {
    const attributes = { type: "button", onclick: () => this.acts.choose(mark.mark), "aria-pressed": String(mark.mark === held) };
    return el("li", {}, el("button", attributes, callWords(mark)));
  }
}

const spineOrder = (film) => [...film.marks.values()].sort((a, b) => a.y0 + a.y1 - b.y0 - b.y1);

/** The film as a whole: which one, done, left out, and the way to the others. `acts`: open, done, exclude, margin. */
class FilmBar {
  constructor(words, acts) {
    this.list = dropdown([], "", { "aria-label": "Films", onchange: () => acts.open(Number(this.list.value)) });
    this.count = el("span", { class: "quiet" });
    const reasons = [["", "stays in the study"], ...words.exclusions.map((reason) => [reason, `left out: ${reason}`])];
    this.exclusion = dropdown(reasons, "", { "data-name": "exclusion", onchange: () => acts.exclude(this.exclusion.value) });
    this.margin = el("input", { type: "number", min: 0, max: 50, step: 0.5, value: words.margin_mm, oninput: acts.margin });
    const button = (text, act, primary = "") => el("button", { type: "button", class: primary, onclick: act }, text);
    this.undo = button("Undo (z)", acts.undo);
    this.redo = button("Redo (y)", acts.redo);
    this.node = el(
      "div",
      { class: "filmbar" },
      button("◀ ([)", () => acts.step(-1)), field("Film", this.list), button("▶ (])", () => acts.step(1)), this.count,
      this.undo, this.redo, field("This film", this.exclusion), field("Margin, mm", this.margin),
      button("Done, next film (d)", acts.done, "primary done"),
    );
  }

  show(films, film) {
    const text = ({ film: name, patient, done, out, flags }, i) =>
      `${i + 1} ${out ? "✕" : done ? "●" : "○"}${flags ? " ⚑" : ""} ${name} (${patient})`;
    this.list.replaceChildren(...films.map((one, i) => el("option", { value: i }, text(one, i))));
    this.list.value = film.number;
    const closed = films.filter(({ done, out }) => done || out).length;
    this.count.textContent = `${closed} of ${films.length} done`;
    this.exclusion.value = film.exclusion;
    this.undo.disabled = !film.undo;
    this.redo.disabled = !film.redo;
  }
}
