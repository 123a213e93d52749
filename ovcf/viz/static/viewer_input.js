// Mouse, pen, finger and keys on a film.

const REACH = 12; // px of the screen around a handle that still catch it
const CLOSE_REACH = 8; // the same where boxes lie close together
const WOBBLE = 4; // px a press may wander before it draws a box
const PAN_STEP = 30; // px of the screen for each arrow key
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const pointOn = (canvas, event) => {
  const place = canvas.getBoundingClientRect();
  return [event.clientX - place.left, event.clientY - place.top];
};

/** One pointer drags, two pinch. */
function listenToPointers(viewer) {
  const { canvas } = viewer;
  const down = new Map(); // where each pressed pointer was last
  let drag = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (!viewer.image) return;
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    const point = pointOn(canvas, event);
    down.set(event.pointerId, point);
    const begun = dragFrom(viewer, event, point);
    drag = begun && { ...begun, start: point };
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!down.has(event.pointerId)) return;
    const point = pointOn(canvas, event);
    const last = down.get(event.pointerId);
    if (down.size === 2) {
      const [, other] = [...down].find(([id]) => id !== event.pointerId);
      pinch(viewer, point, last, other);
    } else if (drag) dragTo(viewer, drag, point, last);
    down.set(event.pointerId, point);
  });
  const release = (event) => {
    down.delete(event.pointerId);
    const ended = drag;
    drag = null;
    if (ended) viewer.onrelease(ended.kind);
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("contextmenu", (event) => event.preventDefault()); // the right button sets the window
  canvas.addEventListener("dblclick", () => viewer.fit());
}

/** What a press begins: a change of window and level, of the view, or of the box. */
function dragFrom(viewer, event, [px, py]) {
  const { level, windowWidth } = viewer;
  if (viewer.measuring && event.button === 0 && !event.shiftKey) {
    viewer.addPoint(viewer.toFilm(px, py));
    return null;
  }
  if (event.button === 2 || event.shiftKey) return { kind: "level", level, windowWidth };
  if (event.button === 1 || !viewer.editable || viewer.tool !== "box") return { kind: "pan" };
  const held = heldBox(viewer, [px, py]);
  if (held) return held;
  viewer.onpress(viewer.toFilm(px, py)); // the page may take another box into hand
  return heldBox(viewer, [px, py]) ?? { kind: "draw" };
}

/** What a press on the box in hand begins: a change of its size by a handle, or a move; null outside it. */
function heldBox(viewer, [px, py]) {
  const { box } = viewer;
  if (!box) return null;
  const handle = boxHandles(box).findIndex((point) => {
    const [x, y] = viewer.toScreen(...point);
    return Math.hypot(x - px, y - py) < (viewer.core < 1 ? CLOSE_REACH : REACH);
  });
  if (handle >= 0) return { kind: "size", handle, box };
  return viewer.holds(box, viewer.toFilm(px, py)) ? { kind: "move", box } : null;
}

/** Carry a drag on to a point; the box is always made anew from what it was when the drag began. */
function dragTo(viewer, drag, [px, py], [lastX, lastY]) {
  const { kind, box, start } = drag;
  const [across, along] = [px - start[0], py - start[1]];
  const [dx, dy] = [(viewer.mirror ? -across : across) / viewer.zoom, along / viewer.zoom];
  if (kind === "pan") viewer.panBy(px - lastX, py - lastY);
  else if (kind === "level") viewer.setWindow(drag.level - along / 400, drag.windowWidth * Math.exp(across / 200));
  else if (kind === "move") viewer.moveBox(dx, dy, box);
  else if (kind === "size") viewer.setBox(sizedBox(box, HANDLES[drag.handle], dx, dy));
  else if (Math.hypot(across, along) > WOBBLE) {
    const [x0, y0] = viewer.toFilm(...start);
    const [x1, y1] = viewer.toFilm(px, py);
    viewer.setBox({ x0, y0, x1, y1 });
  }
}

/** A box with the edges that a handle lies on moved. */
function sizedBox(box, [across, down], dx, dy) {
  return {
    x0: box.x0 + (across === 0 ? dx : 0),
    y0: box.y0 + (down === 0 ? dy : 0),
    x1: box.x1 + (across === 1 ? dx : 0),
    y1: box.y1 + (down === 1 ? dy : 0),
  };
}

function pinch(viewer, point, last, other) {
  const spread = ([x, y]) => Math.hypot(x - other[0], y - other[1]);
  const factor = spread(point) / Math.max(1, spread(last));
  viewer.zoomBy(factor, (point[0] + other[0]) / 2, (point[1] + other[1]) / 2);
}

function listenToWheel(viewer) {
  const { canvas } = viewer;
  const turn = (event) => {
    if (!viewer.image) return;
    event.preventDefault();
    viewer.zoomBy(Math.exp(-event.deltaY / 400), ...pointOn(canvas, event));
  };
  canvas.addEventListener("wheel", turn, { passive: false });
}

/** + - 0 v zoom; arrows move the box (or the film), Alt and arrows size the box, Shift is ten times as far. */
function listenToKeys(viewer) {
  viewer.canvas.addEventListener("keydown", (event) => {
    const act = viewer.image ? keyAct(viewer, event) : null;
    if (!act) return;
    act();
    event.preventDefault();
    event.stopPropagation();
  });
}

function keyAct(viewer, event) {
  const { key } = event;
  if (key in ARROWS) return arrowAct(viewer, event, ARROWS[key]);
  if (key === "0") return () => viewer.fit();
  if (key === "v" && (viewer.box ?? viewer.about)) return () => viewer.zoomToBox();
  if (key === "-") return () => viewer.zoomBy(1 / ZOOM_STEP);
  if (key === "+" || key === "=") return () => viewer.zoomBy(ZOOM_STEP);
  return null;
}

function arrowAct(viewer, event, [dx, dy]) {
  if (viewer.editable && viewer.tool === "box") return () => stepBox(viewer, event, dx, dy);
  // plain arrows belong to the page around a film that cannot be edited
  if (viewer.editable || event.shiftKey) return () => viewer.panBy(-dx * PAN_STEP, -dy * PAN_STEP);
  return null;
}

/** Move or size the box by a key; the first key puts one on the film. */
function stepBox(viewer, event, dx, dy) {
  const far = event.shiftKey ? 10 : 1;
  const { box } = viewer;
  if (viewer.mirror) dx = -dx;
  if (!box) viewer.setBox(viewer.firstBox());
  else if (event.altKey) {
    const x1 = Math.max(box.x0 + 2, box.x1 + dx * far);
    const y1 = Math.max(box.y0 + 2, box.y1 + dy * far);
    viewer.setBox({ ...box, x1, y1 });
  } else viewer.moveBox(dx * far, dy * far);
}
