// Boxes of several vertebrae on one film: those kept, and the one that is being drawn.

class KeptBoxes {
  /** `changed` is called when a box was kept, taken up again or removed. */
  constructor(viewer, changed) {
    Object.assign(this, { viewer, changed });
    this.kept = [];
    this.list = el("ul", { class: "kept", "aria-label": "Boxes kept" });
    const keep = { type: "button", disabled: true, onclick: () => this.keep(), "aria-keyshortcuts": "n" };
    this.button = el("button", keep, "Keep this box and draw another (n)");
    this.node = el("div", { class: "boxes" }, this.button, this.list);
  }

  /** Every box to ask about: the kept ones, then the one in hand. */
  all() {
    return this.viewer.box ? [...this.kept, this.viewer.box] : this.kept;
  }

  keep() {
    const { box } = this.viewer;
    if (!isBox(box)) return;
    this.kept.push(box);
    this.show();
    this.viewer.setBox(null);
  }

  clear() {
    this.kept = [];
    this.show();
  }

  takeUp(i) {
    const [box] = this.kept.splice(i, 1);
    this.show();
    this.viewer.setBox(box);
  }

  remove(i) {
    this.kept.splice(i, 1);
    this.show();
    this.changed();
  }

  show() {
    this.viewer.boxes = this.kept.map((box, i) => ({ ...box, label: String(i + 1) }));
    const line = (box, i) =>
      el(
        "li",
        {},
        `${i + 1}: ${boxWords(box)} `,
        el("button", { type: "button", onclick: () => this.takeUp(i), "aria-label": `Change box ${i + 1}` }, "Change"),
        el("button", { type: "button", onclick: () => this.remove(i), "aria-label": `Remove box ${i + 1}` }, "Remove"),
      );
    this.list.replaceChildren(...this.kept.map(line));
    this.viewer.draw();
  }
}

const SIDES = ["x0", "y0", "x1", "y1"];
const boxWords = (box) => SIDES.map((side) => box[side]).join(",");
const isBox = (box) => Boolean(box && box.x1 - box.x0 >= 1 && box.y1 - box.y0 >= 1);
