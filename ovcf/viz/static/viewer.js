// A radiograph on a canvas: zoom, pan, window and level, boxes; one box can be drawn and adjusted.

/**
 * @param options.label   what the picture is, for screen readers
 * @param options.editable  whether a box can be drawn (own case)
 * @param options.onbox   called with the box in film px after each change by the user
 * @param options.height  CSS height of the canvas
 */
function filmViewer({ label, editable = false, onbox = () => {}, height = "460px" }) {
  const canvas = el("canvas", { tabindex: 0, role: "img", "aria-label": label, class: "film" });
  canvas.style.height = height;
  const state = { image: null, scale: 1, zoom: 1, x: 0, y: 0, level: 0.5, width: 1, invert: false, boxes: [], box: null, tool: editable ? "box" : "pan" };
  const grey = document.createElement("canvas"); // the film after window and level, at its own size
  const context = canvas.getContext("2d");

  // Window and level -------------------------------------------------------------------------------------
  function relevel() {
    if (!state.image) return;
    const { width, height, data } = state.image;
    const top = data.BYTES_PER_ELEMENT === 2 ? 65535 : 255;
    const table = new Uint8ClampedArray(top + 1);
    const low = state.level - state.width / 2;
    for (let v = 0; v <= top; v++) {
      const shown = ((v / top - low) / state.width) * 255;
      table[v] = state.invert ? 255 - shown : shown;
    }
    grey.width = width;
    grey.height = height;
    const pixels = new ImageData(width, height);
    const words = new Uint32Array(pixels.data.buffer);
    for (let i = 0; i < data.length; i++) words[i] = 0xff000000 | (table[data[i]] * 0x010101);
    grey.getContext("2d").putImageData(pixels, 0, 0);
    draw();
  }

  // Drawing ----------------------------------------------------------------------------------------------
  let asked = 0;
  const draw = () => { cancelAnimationFrame(asked); asked = requestAnimationFrame(paint); };
  function paint() {
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth, clientHeight } = canvas;
    if (!clientWidth) return;
    if (canvas.width !== Math.round(clientWidth * ratio) || canvas.height !== Math.round(clientHeight * ratio)) {
      canvas.width = Math.round(clientWidth * ratio);
      canvas.height = Math.round(clientHeight * ratio);
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = "#111";
    context.fillRect(0, 0, clientWidth, clientHeight);
    if (!state.image) return;
    context.imageSmoothingEnabled = state.zoom * state.scale < 3;
    context.drawImage(grey, state.x, state.y, (grey.width * state.zoom) * state.scale, (grey.height * state.zoom) * state.scale);
    for (const box of state.boxes) outline(box, "#56B4E9", [6, 4], box.label, 2);
    if (state.box) outline(state.box, "#FFD400", [], "", 2);
    if (state.box && editable) for (const [hx, hy] of handles(state.box)) {
      const [px, py] = toScreen(hx, hy);
      context.fillStyle = "#FFD400";
      context.strokeStyle = "#000";
      context.lineWidth = 1;
      context.fillRect(px - 4.5, py - 4.5, 9, 9);
      context.strokeRect(px - 4.5, py - 4.5, 9, 9);
    }
  }
  function outline(box, colour, dash, text, width) {
    const [x0, y0] = toScreen(box.x0, box.y0);
    const [x1, y1] = toScreen(box.x1, box.y1);
    context.setLineDash([]);
    context.lineWidth = width + 2; // a dark rim keeps the line visible on bright bone
    context.strokeStyle = "rgba(0,0,0,.65)";
    context.strokeRect(x0, y0, x1 - x0, y1 - y0);
    context.setLineDash(dash);
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.strokeRect(x0, y0, x1 - x0, y1 - y0);
    context.setLineDash([]);
    if (!text) return;
    context.font = "600 12px system-ui, sans-serif";
    context.lineWidth = 3;
    context.strokeStyle = "#000";
    context.strokeText(text, x1 + 5, (y0 + y1) / 2 + 4);
    context.fillStyle = "#fff";
    context.fillText(text, x1 + 5, (y0 + y1) / 2 + 4);
  }
  const toScreen = (x, y) => [state.x + x * state.zoom, state.y + y * state.zoom];
  const toFilm = (px, py) => [(px - state.x) / state.zoom, (py - state.y) / state.zoom];
  const handles = (b) => [[b.x0, b.y0], [b.x1, b.y0], [b.x1, b.y1], [b.x0, b.y1], [(b.x0 + b.x1) / 2, b.y0], [b.x1, (b.y0 + b.y1) / 2], [(b.x0 + b.x1) / 2, b.y1], [b.x0, (b.y0 + b.y1) / 2]];
  const filmSize = () => [state.image.width * state.scale, state.image.height * state.scale];

  // Zoom and pan -----------------------------------------------------------------------------------------
  let fitted = false; // a canvas that was hidden when the film came is fitted when it appears
  function fit(box = null) {
    fitted = Boolean(state.image && canvas.clientWidth);
    if (!fitted) return;
    const [w, h] = filmSize();
    const part = box ?? { x0: 0, y0: 0, x1: w, y1: h };
    state.zoom = Math.min(canvas.clientWidth / (part.x1 - part.x0), canvas.clientHeight / (part.y1 - part.y0));
    state.x = canvas.clientWidth / 2 - ((part.x0 + part.x1) / 2) * state.zoom;
    state.y = canvas.clientHeight / 2 - ((part.y0 + part.y1) / 2) * state.zoom;
    draw();
  }
  function zoomBy(factor, px = canvas.clientWidth / 2, py = canvas.clientHeight / 2) {
    const [fx, fy] = toFilm(px, py);
    state.zoom = Math.min(40, Math.max(0.02, state.zoom * factor));
    state.x = px - fx * state.zoom;
    state.y = py - fy * state.zoom;
    draw();
  }
  function panBy(dx, dy) { state.x += dx; state.y += dy; draw(); }

  // Boxes ------------------------------------------------------------------------------------------------
  const tenth = (v) => Math.round(v * 10) / 10;
  function setBox(box, told = true) {
    if (box && state.image) {
      const [w, h] = filmSize();
      const xs = [box.x0, box.x1].map((v) => Math.min(w, Math.max(0, v))).sort((a, b) => a - b).map(tenth);
      const ys = [box.y0, box.y1].map((v) => Math.min(h, Math.max(0, v))).sort((a, b) => a - b).map(tenth);
      state.box = { x0: xs[0], y0: ys[0], x1: xs[1], y1: ys[1] };
    } else state.box = null;
    if (told) onbox(state.box);
    draw();
  }
  function moveBox(dx, dy) {
    const [w, h] = filmSize();
    const b = state.box;
    dx = Math.min(w - b.x1, Math.max(-b.x0, dx));
    dy = Math.min(h - b.y1, Math.max(-b.y0, dy));
    setBox({ x0: b.x0 + dx, y0: b.y0 + dy, x1: b.x1 + dx, y1: b.y1 + dy });
  }

  // Mouse, pen and finger --------------------------------------------------------------------------------
  const down = new Map();
  let drag = null;
  const at = (event) => { const r = canvas.getBoundingClientRect(); return [event.clientX - r.left, event.clientY - r.top]; };
  function grab(px, py) {
    if (!editable || state.tool !== "box") return { kind: "pan" };
    if (state.box) {
      const near = handles(state.box).findIndex(([hx, hy]) => { const [sx, sy] = toScreen(hx, hy); return Math.hypot(sx - px, sy - py) < 12; });
      if (near >= 0) return { kind: "handle", near, from: { ...state.box } };
      const [fx, fy] = toFilm(px, py);
      if (fx > state.box.x0 && fx < state.box.x1 && fy > state.box.y0 && fy < state.box.y1) return { kind: "move", from: { ...state.box } };
    }
    return { kind: "draw" };
  }
  canvas.addEventListener("pointerdown", (event) => {
    if (!state.image) return;
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    const [px, py] = at(event);
    down.set(event.pointerId, [px, py]);
    const levelling = event.button === 2 || event.shiftKey;
    drag = { ...(levelling ? { kind: "level", level: state.level, width: state.width } : event.button === 1 ? { kind: "pan" } : grab(px, py)), px, py };
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!down.has(event.pointerId)) return;
    const [px, py] = at(event);
    const [lx, ly] = down.get(event.pointerId);
    if (down.size === 2) { // pinch
      const [, other] = [...down.entries()].find(([id]) => id !== event.pointerId);
      const factor = Math.hypot(px - other[0], py - other[1]) / Math.max(1, Math.hypot(lx - other[0], ly - other[1]));
      zoomBy(factor, (px + other[0]) / 2, (py + other[1]) / 2);
    } else if (drag) dragTo(px, py, lx, ly);
    down.set(event.pointerId, [px, py]);
  });
  function dragTo(px, py, lx, ly) {
    const dx = (px - drag.px) / state.zoom;
    const dy = (py - drag.py) / state.zoom;
    const b = drag.from;
    if (drag.kind === "pan") panBy(px - lx, py - ly);
    else if (drag.kind === "level") setWindow(drag.level - (py - drag.py) / 400, drag.width * Math.exp((px - drag.px) / 200));
    else if (drag.kind === "draw") {
      const [ax, ay] = toFilm(drag.px, drag.py);
      const [bx, by] = toFilm(px, py);
      if (Math.hypot(px - drag.px, py - drag.py) > 4) setBox({ x0: ax, y0: ay, x1: bx, y1: by });
    } else if (drag.kind === "move") { state.box = { ...b }; moveBox(dx, dy); }
    else {
      const west = [0, 3, 7].includes(drag.near), east = [1, 2, 5].includes(drag.near);
      const north = [0, 1, 4].includes(drag.near), south = [2, 3, 6].includes(drag.near);
      setBox({ x0: b.x0 + west * dx, x1: b.x1 + east * dx, y0: b.y0 + north * dy, y1: b.y1 + south * dy });
    }
  }
  const release = (event) => { down.delete(event.pointerId); drag = null; };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("dblclick", () => fit());
  canvas.addEventListener("wheel", (event) => {
    if (document.activeElement !== canvas && !event.ctrlKey) return; // an unfocused film lets the page scroll
    event.preventDefault();
    zoomBy(Math.exp(-event.deltaY / 400), ...at(event));
  }, { passive: false });

  // Keyboard: + - 0 zoom, arrows move the box (or the film), Alt+arrows size the box, Shift is ten times as far --
  canvas.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = steps[event.key];
    if (!state.image || (!step && !["+", "=", "-", "0"].includes(event.key))) return;
    if (step && editable && state.tool === "box") {
      const far = event.shiftKey ? 10 : 1;
      const [w, h] = filmSize();
      if (!state.box) setBox({ x0: w * 0.4, y0: h * 0.45, x1: w * 0.6, y1: h * 0.55 });
      else if (event.altKey) setBox({ ...state.box, x1: Math.max(state.box.x0 + 2, state.box.x1 + step[0] * far), y1: Math.max(state.box.y0 + 2, state.box.y1 + step[1] * far) });
      else moveBox(step[0] * far, step[1] * far);
    } else if (step && editable) panBy(-step[0] * 30, -step[1] * 30);
    else if (step && event.shiftKey) panBy(-step[0] * 30, -step[1] * 30);
    else if (event.key === "0") fit();
    else if (!step) zoomBy(event.key === "-" ? 1 / 1.25 : 1.25);
    else return; // plain arrows belong to the page around a film that cannot be edited
    event.preventDefault();
    event.stopPropagation();
  });

  // Controls ---------------------------------------------------------------------------------------------
  const slider = (text, min, max, value, act) => {
    const input = el("input", { type: "range", min, max, step: 0.01, value, oninput: () => act(Number(input.value)) });
    return [field(text, input), input];
  };
  const [levelField, levelInput] = slider("Level", 0, 1, 0.5, (v) => setWindow(v, state.width));
  const [widthField, widthInput] = slider("Window", 0.05, 1.5, 1, (v) => setWindow(state.level, v));
  const button = (text, title, act) => el("button", { type: "button", title, "aria-label": title, onclick: act }, text);
  const invert = el("button", { type: "button", "aria-pressed": "false", onclick: () => {
    state.invert = !state.invert;
    invert.setAttribute("aria-pressed", String(state.invert));
    relevel();
  } }, "Invert");
  const tools = editable ? el("span", { class: "tools", role: "group", "aria-label": "What dragging does" }, ["box", "pan"].map((tool) =>
    el("button", { type: "button", "aria-pressed": String(tool === state.tool), onclick: (event) => {
      state.tool = tool;
      for (const b of event.currentTarget.parentNode.children) b.setAttribute("aria-pressed", String(b === event.currentTarget));
    } }, tool === "box" ? "Draw box" : "Move film"))) : null;
  const controls = el("div", { class: "controls" }, tools,
    button("+", "Zoom in", () => zoomBy(1.25)), button("−", "Zoom out", () => zoomBy(1 / 1.25)), button("Fit", "Fit the whole film", () => fit()),
    levelField, widthField, invert, button("Reset", "Reset window, level and zoom", () => { state.invert = false; invert.setAttribute("aria-pressed", "false"); setWindow(0.5, 1); fit(); }));
  function setWindow(level, width) {
    state.level = Math.min(1, Math.max(0, level));
    state.width = Math.min(1.5, Math.max(0.05, width));
    levelInput.value = state.level;
    widthInput.value = state.width;
    relevel();
  }

  const watcher = new ResizeObserver(() => (fitted ? draw() : fit(state.start)));
  watcher.observe(canvas);
  return {
    node: el("div", { class: "viewer" }, canvas, controls),
    canvas,
    /** Show grey values; `scale` is film px per picture px; `start` is the part of the film to begin with. */
    show(image, { scale = 1, boxes = [], box = null, start = null, keepWindow = false } = {}) {
      Object.assign(state, { image, scale, boxes, box, start });
      if (!keepWindow) Object.assign(state, { level: 0.5, width: 1, invert: false });
      levelInput.value = state.level;
      widthInput.value = state.width;
      relevel();
      fit(start);
    },
    setBox,
    get box() { return state.box; },
    /** Where a point of the film is on the page (tests draw with it). */
    toScreen,
    close: () => watcher.disconnect(),
  };
}
