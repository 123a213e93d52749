// A radiograph on a canvas: zoom, pan, window and level, boxes; one box can be drawn and adjusted.

const ZOOM_STEP = 1.25;
const WHOLE_RANGE = { level: 0.5, windowWidth: 1, invert: false }; // of the film's grey values, as shares

const within = (low, high, value) => Math.min(high, Math.max(low, value));
const roundedToTenth = (value) => Math.round(value * 10) / 10;

class FilmViewer {
  /**
   * @param options.label     what the picture is, for screen readers
   * @param options.editable  whether a box can be drawn (own case)
   * @param options.onbox     called with the box in film px after each change by the user
   * @param options.height    CSS height of the canvas
   */
  constructor({ label, editable = false, onbox = () => {}, height = "460px" }) {
    Object.assign(this, { editable, onbox, ...WHOLE_RANGE });
    this.image = null;
    this.scale = 1; // film px for each px of the picture
    this.zoom = 1; // px of the screen for each px of the film
    this.x = 0; // where the film's corner is on the canvas
    this.y = 0;
    this.boxes = []; // of other vertebrae
    this.box = null;
    this.tool = editable ? "box" : "pan"; // what dragging does
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
    this.watcher = new ResizeObserver(() => (this.fitted ? this.draw() : this.fit()));
    this.watcher.observe(this.canvas);
  }

  /** Show grey values with the whole range of grey and the whole film in view. */
  show(image, { scale = 1, boxes = [], box = null } = {}) {
    this.image?.picture?.close(); // or its pixels stay until the garbage is collected
    Object.assign(this, { image, scale, boxes, box, ...WHOLE_RANGE });
    this.relevel();
    this.fit();
  }

  close() {
    this.watcher.disconnect();
    cancelAnimationFrame(this.frame);
    this.image?.picture?.close();
    this.image = null;
  }

  // Window and level

  setWindow(level, width) {
    this.level = within(0, 1, level);
    this.windowWidth = within(0.05, 1.5, width);
    this.relevel();
  }

  setInvert(invert) {
    this.invert = invert;
    this.relevel();
  }

  reset() {
    Object.assign(this, WHOLE_RANGE);
    this.relevel();
    this.fit();
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
    return [this.x + x * this.zoom, this.y + y * this.zoom];
  }

  toFilm(px, py) {
    return [(px - this.x) / this.zoom, (py - this.y) / this.zoom];
  }

  filmSize() {
    return [this.image.width * this.scale, this.image.height * this.scale];
  }

  fit() {
    const { clientWidth, clientHeight } = this.canvas;
    this.fitted = Boolean(this.image && clientWidth);
    if (!this.fitted) return;
    const [width, height] = this.filmSize();
    this.zoom = Math.min(clientWidth / width, clientHeight / height);
    this.x = clientWidth / 2 - (width / 2) * this.zoom;
    this.y = clientHeight / 2 - (height / 2) * this.zoom;
    this.draw();
  }

  /** Zoom so that what is at (px, py) of the canvas stays there. */
  zoomBy(factor, px = this.canvas.clientWidth / 2, py = this.canvas.clientHeight / 2) {
    const [x, y] = this.toFilm(px, py);
    this.zoom = within(0.02, 40, this.zoom * factor);
    this.x = px - x * this.zoom;
    this.y = py - y * this.zoom;
    this.draw();
  }

  panBy(dx, dy) {
    this.x += dx;
    this.y += dy;
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

  /** Move a box, by default the present one, as far as the film's edges let it. */
  moveBox(dx, dy, { x0, y0, x1, y1 } = this.box) {
    const [width, height] = this.filmSize();
    const across = Math.min(width - x1, Math.max(-x0, dx));
    const along = Math.min(height - y1, Math.max(-y0, dy));
    this.setBox({ x0: x0 + across, y0: y0 + along, x1: x1 + across, y1: y1 + along });
  }
}
