// A radiograph on a canvas: zoom, pan, window and level, boxes; one box can be drawn and adjusted.

const ZOOM_STEP = 1.25;
const WHOLE_RANGE = { level: 0.5, windowWidth: 1, invert: false }; // of the film's grey values, as shares

const ignore = () => {};
const within = (low, high, value) => Math.min(high, Math.max(low, value));
const roundedToTenth = (value) => Math.round(value * 10) / 10;

class FilmViewer {
  /**
   * @param options.label     what the picture is, for screen readers
   * @param options.editable  whether a box can be drawn (own case)
   * @param options.onbox     called with the box in film px after each change by the user
   * @param options.onpress   called with a point of the film that is pressed outside the box, before a box is drawn there
   * @param options.onrelease called with the kind of a drag that ends
   * @param options.height    CSS height of the canvas
   */
  constructor({ label, editable = false, onbox = ignore, onpress = ignore, onrelease = ignore, height = "460px" }) {
    Object.assign(this, { editable, onbox, onpress, onrelease, ...WHOLE_RANGE });
    this.image = null;
    this.scale = 1; // film px for each px of the picture
    this.zoom = 1; // px of the screen for each px of the film
    this.x = 0; // where the film's corner is on the canvas
    this.y = 0;
    this.boxes = []; // of other vertebrae
    this.box = null;
    this.core = 1; // share of a box, in its middle, by which it is taken hold of: boxes of neighbours may overlap
    this.about = null; // the vertebra that is asked about, where its box is not in hand
    this.beneath = false; // whether the box in hand is drawn under the others, which are compared with it
    this.margin = 0; // px of the film around the box, as it will be cut
    this.tool = editable ? "box" : "pan"; // what dragging does
    this.mirror = false; // whether the film is shown turned left to right; boxes stay in px of the film as stored
    this.view = "film"; // what is in view: the whole "film", this "vertebra", or a place of one's "own" choice
    this.preset = "whole"; // the window that is kept from film to film; "" for one of one's own
    this.measured = null; // points that are being, or were, set by clicks
    this.frame = 0;
    this.fitted = false; // a canvas that was hidden when the film came is fitted when it appears
    this.levelled = document.createElement("canvas"); // the film after window and level, at its own size
    this.grey = this.levelled; // what is drawn: that, or the picture as it came
    this.canvas = el("canvas", { tabindex: 0, role: "img", "aria-label": label, class: "film" });
    this.canvas.style.height = height;
    this.controls = viewerControls(this);
    this.node = el("div", { class: "viewer" }, this.canvas, this.controls.node);
    listenToPointers(this);
    listenToWheel(this);
    listenToKeys(this);
    this.watcher = new ResizeObserver(() => (this.fitted && this.view !== "film" ? this.keepMiddle() : this.refit()));
    this.watcher.observe(this.canvas);
  }

  /** Show grey values: as the last film was shown (`keep`), or with the whole range of grey and the film in view. */
  show(image, { scale = 1, boxes = [], box = null, keep = false } = {}) {
    this.image?.picture?.close(); // or its pixels stay until the garbage is collected
    Object.assign(this, { image, scale, boxes, box, measured: null });
    if (!keep) Object.assign(this, { ...WHOLE_RANGE, view: "film", preset: "whole" });
    if (this.preset) this.usePreset(this.preset);
    else this.relevel();
    if (this.view === "film" || !this.box) this.refit();
    else if (this.view === "vertebra") this.zoomToBox();
    else this.centreOn(this.box);
  }

  close() {
    this.watcher.disconnect();
    cancelAnimationFrame(this.frame);
    this.image?.picture?.close();
    this.image = null;
  }

  // Window and level

  setWindow(level, width) {
    this.preset = "";
    this.level = within(0, 1, level);
    this.windowWidth = within(0.05, 1.5, width);
    this.relevel();
  }

  setInvert(invert) {
    this.invert = invert;
    this.relevel();
  }

  reset() {
    this.invert = false;
    this.mirror = false;
    this.usePreset("whole");
    this.fit();
  }

  /** Set window and level by a preset: the whole range, most of the film's greys, or those of this vertebra. */
  usePreset(name) {
    const [low, high] = name === "whole" || !this.image ? [0, 1] : greyRange(this, name);
    this.preset = name;
    this.level = (low + high) / 2;
    this.windowWidth = Math.max(0.02, high - low);
    this.relevel();
  }

  setMirror(mirror) {
    this.mirror = mirror;
    this.controls.update();
    this.draw();
  }

  relevel() {
    this.controls.update();
    if (!this.image) return;
    const { picture } = this.image;
    const isAsItCame = Object.entries(WHOLE_RANGE).every(([name, value]) => this[name] === value);
    // who goes from film to film need not wait for every pixel's grey to be computed
    this.grey = picture && isAsItCame ? picture : drawGrey(this.levelled, this.image, this);
    this.draw();
  }

  /** Draw once before the screen's next frame, however many changes come before it. */
  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => drawView(this.canvas, this));
  }

  // Zoom and pan

  toScreen(x, y) {
    const across = this.mirror ? this.filmSize()[0] - x : x;
    return [this.x + across * this.zoom, this.y + y * this.zoom];
  }

  toFilm(px, py) {
    const across = (px - this.x) / this.zoom;
    return [this.mirror ? this.filmSize()[0] - across : across, (py - this.y) / this.zoom];
  }

  filmSize() {
    return [this.image.width * this.scale, this.image.height * this.scale];
  }

  /** Bring the whole film into view because somebody asked for it: a reader's own act is counted, `refit` is not. */
  fit() {
    this.refit();
  }

  /** The whole film in view: it came, or its place changed size. */
  refit() {
    const { clientWidth, clientHeight } = this.canvas;
    this.size = [clientWidth, clientHeight];
    this.fitted = Boolean(this.image && clientWidth);
    if (!this.fitted) return;
    const [width, height] = this.filmSize();
    this.zoom = Math.min(clientWidth / width, clientHeight / height);
    this.x = clientWidth / 2 - (width / 2) * this.zoom;
    this.y = clientHeight / 2 - (height / 2) * this.zoom;
    this.view = "film";
    this.draw();
  }

  /** Bring the box into view, with half of itself around it. */
  zoomToBox() {
    const { clientWidth, clientHeight } = this.canvas;
    this.fitted = Boolean(this.image && clientWidth);
    const box = this.box ?? this.about;
    if (!box || !this.fitted) return;
    const { x0, y0, x1, y1 } = box;
    this.zoom = within(0.02, 40, Math.min(clientWidth / (2 * (x1 - x0)), clientHeight / (2 * (y1 - y0))));
    this.centreOn(box);
    this.view = "vertebra";
  }

  /** Move the film so that a box is in the middle, at the zoom there is. */
  centreOn({ x0, y0, x1, y1 }) {
    const [px, py] = this.toScreen((x0 + x1) / 2, (y0 + y1) / 2);
    this.panBy(this.canvas.clientWidth / 2 - px, this.canvas.clientHeight / 2 - py);
  }

  /** The canvas changed its size: what was in its middle stays there. */
  keepMiddle() {
    const { clientWidth, clientHeight } = this.canvas;
    const [width, height] = this.size ?? [clientWidth, clientHeight];
    this.size = [clientWidth, clientHeight];
    this.x += (clientWidth - width) / 2;
    this.y += (clientHeight - height) / 2;
    this.draw();
  }

  /** Zoom so that what is at (px, py) of the canvas stays there. */
  zoomBy(factor, px = this.canvas.clientWidth / 2, py = this.canvas.clientHeight / 2) {
    const before = this.zoom;
    this.zoom = within(0.02, 40, this.zoom * factor);
    this.x = px - ((px - this.x) / before) * this.zoom;
    this.y = py - ((py - this.y) / before) * this.zoom;
    this.view = "own";
    this.draw();
  }

  panBy(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.view = "own";
    this.draw();
  }

  // Lengths

  /** Let the next clicks set points on the film, two to a length; `done` is called with them all. */
  measure(wanted, { step = () => {}, done }) {
    this.measured = { wanted, points: [], step, done };
    this.canvas.scrollIntoView({ block: "nearest" });
    this.draw();
  }

  addPoint(point) {
    const { measured } = this;
    measured.points.push(point);
    measured.step(measured.points.length);
    if (measured.points.length === measured.wanted) measured.done(measured.points);
    this.draw();
  }

  get measuring() {
    return Boolean(this.measured && this.measured.points.length < this.measured.wanted);
  }

  stopMeasuring() {
    this.measured = null;
    this.draw();
  }

  // The box

  /** Set the box (its corners in any order) or take it away; what lies outside the film is cut off. */
  setBox(box) {
    this.box = box && this.image ? this.boxOnFilm(box) : null;
    this.onbox(this.box);
    this.draw();
  }

  boxOnFilm({ x0, y0, x1, y1 }) {
    const [width, height] = this.filmSize();
    const ordered = (a, b, size) =>
      [within(0, size, Math.min(a, b)), within(0, size, Math.max(a, b))].map(roundedToTenth);
    const [left, right] = ordered(x0, x1, width);
    const [top, bottom] = ordered(y0, y1, height);
    return { x0: left, y0: top, x1: right, y1: bottom };
  }

  /** Whether a point of the film takes hold of a box. */
  holds({ x0, y0, x1, y1 }, [x, y]) {
    const aside = (1 - this.core) / 2;
    const [across, along] = [(x - x0) / (x1 - x0), (y - y0) / (y1 - y0)];
    return across > aside && across < 1 - aside && along > aside && along < 1 - aside;
  }

  /** The box that an arrow key puts on the film where none is in hand: in its middle. */
  firstBox() {
    const [width, height] = this.filmSize();
    return { x0: width * 0.4, y0: height * 0.45, x1: width * 0.6, y1: height * 0.55 };
  }

  /** A box as it will be cut: with its margin, as far as the film goes. */
  withMargin({ x0, y0, x1, y1 }) {
    return this.boxOnFilm({ x0: x0 - this.margin, y0: y0 - this.margin, x1: x1 + this.margin, y1: y1 + this.margin });
  }

  /** Move a box, by default the present one, as far as the film's edges let it. */
  moveBox(dx, dy, { x0, y0, x1, y1 } = this.box) {
    const [width, height] = this.filmSize();
    const across = Math.min(width - x1, Math.max(-x0, dx));
    const along = Math.min(height - y1, Math.max(-y0, dy));
    this.setBox({ x0: x0 + across, y0: y0 + along, x1: x1 + across, y1: y1 + along });
  }
}
