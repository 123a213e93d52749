// The size of a pixel: the film's own word, typed, or from two clicks on a length that is known.

const NO_SIZE =
  "This film does not say how large a pixel is. Give it, or click the two ends of a known length (a scale, a ball). " +
  "Until then the margin is taken as training's films and vertebrae suggest, and the answer shows what that leaves open.";
const TWO_CLICKS = "Click the two ends of the length on the film.";

class PixelSize {
  /** `changed` is called when another size counts. */
  constructor(viewer, changed) {
    Object.assign(this, { viewer, changed });
    this.ofFilm = null; // mm, as the film says
    const number = (attributes) => el("input", { type: "number", min: 0, step: "any", ...attributes });
    this.input = number({ disabled: true, "data-name": "mm", onchange: () => this.typed() });
    this.length = number({ "data-name": "length", onchange: () => this.measured() });
    this.points = null;
    this.told = el("p", { class: "quiet", role: "status" });
    const click = { type: "button", onclick: () => this.measure() };
    this.button = el("button", click, "Measure a known length");
    this.lengthField = field("Its length, mm", this.length, { hidden: true });
    this.node = el(
      "fieldset",
      { class: "size", hidden: true },
      el("legend", {}, "Size of a pixel"),
      field("mm a pixel", this.input),
      this.button,
      this.lengthField,
      this.told,
    );
  }

  /** A film has come; `mm` is what it says of its pixels, or null. */
  show(mm) {
    this.ofFilm = mm;
    this.points = null;
    this.node.hidden = false;
    this.input.disabled = false;
    this.input.value = mm === null ? "" : Number(mm.toPrecision(6));
    this.lengthField.hidden = true;
    this.length.value = "";
    this.told.textContent = mm === null ? NO_SIZE : "As the film says; another size counts before it.";
    this.node.classList.toggle("wanted", mm === null);
  }

  /** What was typed or measured, in mm; null where the film's own word, or nothing, counts. */
  given() {
    const typed = Number(this.input.value);
    if (!typed || (this.ofFilm !== null && typed === Number(this.ofFilm.toPrecision(6)))) return null;
    return typed;
  }

  typed() {
    this.node.classList.toggle("wanted", this.given() === null && this.ofFilm === null);
    this.changed();
  }

  measure() {
    this.told.textContent = TWO_CLICKS;
    this.viewer.measure(2, {
      step: () => {},
      done: (points) => {
        this.points = points;
        this.lengthField.hidden = false;
        this.told.textContent = `${rounded(lengthOf(...points), 1)} px: type how long that is.`;
        this.length.focus({ preventScroll: true });
        this.measured();
      },
    });
  }

  measured() {
    const mm = Number(this.length.value);
    const px = this.points ? lengthOf(...this.points) : 0;
    if (!(mm > 0 && px > 0)) return;
    this.input.value = Number((mm / px).toPrecision(6));
    this.told.textContent = `${mm} mm over ${rounded(px, 1)} px.`;
    this.viewer.stopMeasuring();
    this.typed();
  }
}

const lengthOf = ([x0, y0], [x1, y1]) => Math.hypot(x1 - x0, y1 - y0);
