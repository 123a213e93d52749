// Drawing a film and its boxes on a canvas. A box is {x0, y0, x1, y1} in px of the film.

const BACKGROUND = "#111";
const BOX_COLOUR = "#FFD400";
const MEASURE_COLOUR = "#7CFC9A";
const MARGIN_COLOUR = "#FFFFFF"; // of the patch as it will be cut
const NEIGHBOUR_COLOUR = "#56B4E9";
const LINE = 2; // width of a box's line, px of the screen
const HANDLE = 9; // edge of a handle, px of the screen

// Where the handles sit, as shares of the box's width and height: corners, then the middles of the edges.
const HANDLES = [
  [0, 0],
  [1, 0],
  [1, 1],
  [0, 1],
  [0.5, 0],
  [1, 0.5],
  [0.5, 1],
  [0, 0.5],
];

/** Points of the handles of a box, in px of the film. */
function boxHandles({ x0, y0, x1, y1 }) {
  return HANDLES.map(([across, down]) => [x0 + across * (x1 - x0), y0 + down * (y1 - y0)]);
}

/** The screen's grey (0 to 255) of each of a film's grey values 0 to `top`. */
function greyTable(top, { level, windowWidth, invert }) {
  const table = new Uint8ClampedArray(top + 1);
  const low = level - windowWidth / 2;
  for (let value = 0; value <= top; value++) {
    const shown = ((value / top - low) / windowWidth) * 255;
    table[value] = invert ? 255 - shown : shown;
  }
  return table;
}

/** Draw a film after window and level, at its own size; 16-bit films keep their depth up to here. */
function drawGrey(canvas, { width, height, data }, look) {
  const table = greyTable(data.BYTES_PER_ELEMENT === 2 ? 65535 : 255, look);
  const pixels = new ImageData(width, height);
  const words = new Uint32Array(pixels.data.buffer); // one write a pixel instead of four
  for (let i = 0; i < data.length; i++) words[i] = 0xff000000 | (table[data[i]] * 0x010101);
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

/** Draw what a viewer shows: the part of the film in view, boxes, and the handles of a box that can be adjusted. */
function drawView(canvas, viewer) {
  const { clientWidth, clientHeight } = canvas;
  if (!clientWidth) return;
  const context = sharpContext(canvas);
  context.fillStyle = BACKGROUND;
  context.fillRect(0, 0, clientWidth, clientHeight);
  if (!viewer.image) return;
  const { grey, box } = viewer;
  const zoom = viewer.zoom * viewer.scale; // px of the screen for each px of the picture that travelled
  context.imageSmoothingEnabled = zoom < 3; // close up, the film's own pixels are shown
  drawFilm(context, viewer, grey, zoom);
  if (box && viewer.beneath) drawBox(context, viewer, box, BOX_COLOUR);
  drawBoxes(context, viewer);
  if (box && viewer.margin) drawBox(context, viewer, viewer.withMargin(box), MARGIN_COLOUR, [2, 4]);
  if (box && !viewer.beneath) drawBox(context, viewer, box, BOX_COLOUR);
  if (box && viewer.editable) drawHandles(context, viewer, box);
  if (viewer.measured) drawLengths(context, viewer, viewer.measured.points);
}

/** Draw the boxes that are not in hand: every rim before the first line, so that a box hides no line of another. */
function drawBoxes(context, viewer) {
  for (const box of viewer.boxes) drawRim(context, viewer, box);
  for (const box of viewer.boxes) {
    drawLine(context, viewer, box, box.colour ?? NEIGHBOUR_COLOUR, box.dash ?? [6, 4]);
    if (box.label) drawLabel(context, viewer, box);
  }
}

/** Draw the film itself, turned left to right where it is shown so. */
function drawFilm(context, viewer, grey, zoom) {
  const [width, height] = [grey.width * zoom, grey.height * zoom];
  context.save();
  if (viewer.mirror) {
    context.translate(2 * viewer.x + width, 0);
    context.scale(-1, 1);
  }
  context.drawImage(grey, viewer.x, viewer.y, width, height);
  context.restore();
}

/** Draw points set by clicks, and a line from each first to its second. */
function drawLengths(context, viewer, points) {
  context.setLineDash([]);
  points.forEach((point, i) => {
    const [x, y] = viewer.toScreen(...point);
    if (i % 2) {
      context.beginPath();
      context.moveTo(...viewer.toScreen(...points[i - 1]));
      context.lineTo(x, y);
      context.strokeStyle = MEASURE_COLOUR;
      context.lineWidth = LINE;
      context.stroke();
    }
    context.fillStyle = MEASURE_COLOUR;
    context.fillRect(x - 3, y - 3, 6, 6);
  });
}

/** Lowest and highest grey (0 to 1) that a preset shows: 1 % to 99 % of the film's, or of those in the box. */
function greyRange(viewer, name) {
  const { width, height, data } = viewer.image;
  const { scale } = viewer;
  const box = viewer.box ?? viewer.about;
  const edge = (value, most) => Math.round(within(0, most, value / scale));
  const whole = name !== "vertebra" || !box;
  const [x0, x1] = whole ? [0, width] : [edge(box.x0, width), edge(box.x1, width)];
  const [y0, y1] = whole ? [0, height] : [edge(box.y0, height), edge(box.y1, height)];
  const top = data.BYTES_PER_ELEMENT === 2 ? 65535 : 255;
  const step = Math.max(1, Math.round(Math.sqrt(((x1 - x0) * (y1 - y0)) / 40000))); // some 40,000 pixels tell enough
  const greys = [];
  for (let y = y0; y < y1; y += step) for (let x = x0; x < x1; x += step) greys.push(data[y * width + x]);
  if (!greys.length) return [0, 1];
  greys.sort((a, b) => a - b);
  const at = (share) => greys[Math.floor(share * (greys.length - 1))] / top;
  return [at(0.01), at(0.99)];
}

/** The canvas's context in px of the page, with as many device pixels as the screen has. */
function sharpContext(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * ratio);
  const height = Math.round(canvas.clientHeight * ratio);
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

function drawBox(context, viewer, box, colour, dash = []) {
  drawRim(context, viewer, box);
  drawLine(context, viewer, box, colour, dash);
}

/** A dark rim keeps a box's line visible on bright bone. */
function drawRim(context, viewer, box) {
  drawLine(context, viewer, box, "rgba(0,0,0,.65)", [], LINE + 2);
}

function drawLine(context, viewer, box, colour, dash, width = LINE) {
  const [x0, y0] = viewer.toScreen(box.x0, box.y0);
  const [x1, y1] = viewer.toScreen(box.x1, box.y1);
  context.setLineDash(dash);
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.strokeRect(x0, y0, x1 - x0, y1 - y0);
  context.setLineDash([]);
}

/** A box's words to its right, as far as the canvas goes; `line` sets them lower, where boxes lie on one another. */
function drawLabel(context, viewer, box) {
  const { clientWidth } = viewer.canvas;
  const [edge, middle] = viewer.toScreen(box.x1, (box.y0 + box.y1) / 2);
  const isInView = viewer.toScreen(box.x0, box.y0)[0] < clientWidth;
  const y = middle + (box.line ?? 0) * 16;
  context.font = "600 12px system-ui, sans-serif";
  const x = isInView ? Math.min(edge, clientWidth - context.measureText(box.label).width - 8) : edge;
  context.lineWidth = 3;
  context.strokeStyle = "#000";
  context.strokeText(box.label, x + 5, y + 4);
  context.fillStyle = "#fff";
  context.fillText(box.label, x + 5, y + 4);
}

function drawHandles(context, viewer, box) {
  context.fillStyle = BOX_COLOUR;
  context.strokeStyle = "#000";
  context.lineWidth = 1;
  for (const point of boxHandles(box)) {
    const [x, y] = viewer.toScreen(...point);
    context.fillRect(x - HANDLE / 2, y - HANDLE / 2, HANDLE, HANDLE);
    context.strokeRect(x - HANDLE / 2, y - HANDLE / 2, HANDLE, HANDLE);
  }
}
