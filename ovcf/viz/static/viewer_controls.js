// The row of controls under a film: what dragging does, zoom, window and level.

/** Returns the row and `update`, which sets every control to what the viewer shows. */
function viewerControls(viewer) {
  const [levelField, level] = controlSlider("Level", 0, 1, (value) => viewer.setWindow(value, viewer.windowWidth));
  const [widthField, width] = controlSlider("Window", 0.05, 1.5, (value) => viewer.setWindow(viewer.level, value));
  const invert = el("button", { type: "button", onclick: () => viewer.setInvert(!viewer.invert) }, "Invert");
  const update = () => {
    level.value = viewer.level;
    width.value = viewer.windowWidth;
    invert.setAttribute("aria-pressed", String(viewer.invert));
  };
  const node = el(
    "div",
    { class: "controls" },
    viewer.editable ? toolChoice(viewer) : null,
    controlButton("+", "Zoom in", () => viewer.zoomBy(ZOOM_STEP)),
    controlButton("−", "Zoom out", () => viewer.zoomBy(1 / ZOOM_STEP)),
    controlButton("Fit", "Fit the whole film", () => viewer.fit()),
    levelField,
    widthField,
    invert,
    controlButton("Reset", "Reset window, level and zoom", () => viewer.reset()),
  );
  update();
  return { node, update };
}

function controlButton(text, title, act) {
  return el("button", { type: "button", title, "aria-label": title, onclick: act }, text);
}

function controlSlider(text, min, max, act) {
  const input = el("input", { type: "range", min, max, step: 0.01, oninput: () => act(Number(input.value)) });
  return [field(text, input), input];
}

function toolChoice(viewer) {
  const choose = (tool) => {
    viewer.tool = tool;
    for (const [name, button] of Object.entries(buttons)) button.setAttribute("aria-pressed", String(name === tool));
  };
  const buttons = {
    box: el("button", { type: "button", onclick: () => choose("box") }, "Draw box"),
    pan: el("button", { type: "button", onclick: () => choose("pan") }, "Move film"),
  };
  choose(viewer.tool);
  const attributes = { class: "tools", role: "group", "aria-label": "What dragging does" };
  return el("span", attributes, Object.values(buttons));
}
