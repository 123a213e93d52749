// The row of controls under a film: what dragging does, zoom, window and level.

const PRESETS = [
  ["whole", "whole range"],
  ["film", "1–99 % of film"],
  ["vertebra", "this vertebra"],
];

/** Returns the row and `update`, which sets every control to what the viewer shows. */
function viewerControls(viewer) {
  const [levelField, level] = controlSlider("Level", 0, 1, (value) => viewer.setWindow(value, viewer.windowWidth));
  const [widthField, width] = controlSlider("Window", 0.05, 1.5, (value) => viewer.setWindow(viewer.level, value));
  const presets = dropdown([...PRESETS, ["", "own"]], "whole", {
    onchange: () => presets.value && viewer.usePreset(presets.value),
  });
  const toggle = (text, act) => el("button", { type: "button", onclick: act }, text);
  const invert = toggle("Invert", () => viewer.setInvert(!viewer.invert));
  const toBox = controlButton("Vertebra", "Zoom to this vertebra (v)", () => viewer.zoomToBox());
  const ofBox = presets.querySelector("[value=vertebra]");
  const update = () => {
    toBox.hidden = ofBox.hidden = !viewer.box && !viewer.editable; // a bare patch has no box to go to
    level.show(viewer.level);
    width.show(viewer.windowWidth);
    presets.value = viewer.preset;
    invert.setAttribute("aria-pressed", String(viewer.invert));
  };
  const node = el(
    "div",
    { class: "controls" },
    viewer.editable ? toolChoice(viewer) : null,
    controlButton("+", "Zoom in", () => viewer.zoomBy(ZOOM_STEP)),
    controlButton("−", "Zoom out", () => viewer.zoomBy(1 / ZOOM_STEP)),
    controlButton("Fit", "Fit the whole film", () => viewer.fit()),
    toBox,
    field("Greys", presets),
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

/** A slider with its number beside its name; `show` sets both. */
function controlSlider(text, min, max, act) {
  const input = el("input", { type: "range", min, max, step: 0.01, oninput: () => act(Number(input.value)) });
  const number = el("span", { class: "amount" });
  const name = el("span", {}, `${text} `, number);
  const show = (value) => {
    input.value = value;
    number.textContent = rounded(value, 2);
  };
  return [el("label", { class: "field" }, name, input), { show }];
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
