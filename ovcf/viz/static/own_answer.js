// What the final model says of a vertebra of one's own, as nodes.

/** `a` is the answer of the kernel: first the patch, then the map, then thumbnails of similar patches. */
function answerNodes(a, shots) {
  const [patch, map, ...thumbnails] = a.buffers;
  return [
    el("h3", {}, "Answer"),
    probabilityLine(a),
    el("p", { class: "quiet" }, a.interval_note),
    el("p", {}, calledWords(a)),
    a.warning ? el("p", { class: "notice unlike" }, `⚠ ${a.warning}`) : el("p", { class: "quiet" }, a.alike),
    el("p", { class: "calibration" }, a.calibration),
    el("h3", {}, "What the network sees"),
    mapOverPatch(shots.url(patch), shots.url(map), a.map_note),
    el("h3", {}, "Most similar patches of the run"),
    similarTiles(a.similar, thumbnails, shots),
    el("p", { class: "research" }, a.research),
    commandLine(a),
  ];
}

function probabilityLine({ p_fresh, low, high }) {
  const interval = `${low.toFixed(3)} to ${high.toFixed(3)} over the final model and those of the folds`;
  return el("p", { class: "number" }, el("b", {}, `P(fresh) ${p_fresh.toFixed(3)}`), ` (${interval})`);
}

function calledWords({ called, network_name }) {
  return `${called === "fresh" ? "▲" : "●"} called ${called} at the threshold 0.5, by ${network_name}.`;
}

function similarTiles(rows, thumbnails, shots) {
  const tile = (row, i) =>
    el(
      "div",
      { class: "tile" },
      el("img", { src: shots.url(thumbnails[i]), alt: "", width: 112, height: 112 }),
      el("b", {}, row.patch_id),
      el("br"),
      `${row.level}: labelled ${row.label}`,
      el("br"),
      `distance ${row.distance.toFixed(2)}`,
    );
  const items = rows.map((row, i) => el("li", {}, tile(row, i)));
  return el("ul", { class: "tiles" }, items);
}

function commandLine({ command, digest }) {
  return el(
    "details",
    {},
    el("summary", {}, "The same on the command line"),
    el("code", { class: "command" }, command),
    el("p", { class: "quiet" }, `model ${digest}`),
  );
}
