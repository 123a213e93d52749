// What the final model says of vertebrae of one's own, as nodes.

/** `answer` is what the kernel says: for each box a patch, a map and thumbnails of similar patches, in that order. */
function answerNodes({ answers, buffers }, shots, acts) {
  let at = 0;
  const nodes = answers.map((one, i) => {
    const pictures = buffers.slice(at, at + 2 + one.similar.length);
    at += pictures.length;
    return answerOf(one, pictures, shots, { number: i, of: answers.length, ...acts });
  });
  return [el("h3", {}, answers.length > 1 ? "Answers" : "Answer"), ...nodes, commandLine(answers[0])];
}

function answerOf(a, [patch, map, ...thumbnails], shots, { number, of, save, print }) {
  const name = of > 1 ? `Box ${number + 1} (${a.box.join(", ")})` : `Box ${a.box.join(", ")}`;
  return el(
    "article",
    { class: "one", "data-p": a.p_fresh, "aria-label": name },
    el("h4", {}, name),
    probabilityLine(a),
    el("p", { class: "binary" }, a.binary),
    el("p", { class: "quiet" }, a.trained_on),
    el("p", {}, calledWords(a)),
    a.warning ? el("p", { class: `notice${a.unlike ? " unlike" : ""}` }, `⚠ ${a.warning}`) : null,
    a.margin_note ? el("p", { class: "margins" }, a.margin_note) : null,
    a.alike ? el("p", { class: "quiet" }, a.alike) : null,
    el("p", { class: "calibration" }, a.calibration),
    el("p", { class: "quiet" }, a.interval_note),
    el("h5", {}, "What the network sees"),
    mapOverPatch(shots.url(patch), shots.url(map), a.map_note),
    el("h5", {}, "Most similar patches of the run"),
    similarTiles(a.similar, thumbnails, shots),
    el("p", { class: "research" }, a.research),
    el(
      "p",
      { class: "keep" },
      el("button", { type: "button", onclick: () => save(number) }, "Save this answer"),
      el("button", { type: "button", onclick: () => print(number) }, "Print this answer"),
    ),
  );
}

function probabilityLine({ p_fresh, low, high, called_from }) {
  const interval = `${rounded(low, 3)} to ${rounded(high, 3)} over the final model and those of the folds`;
  return el("p", { class: "number" }, el("b", {}, `P(fresh) ${sided(p_fresh, called_from, 3)}`), ` (${interval})`);
}

function calledWords({ called, called_from, network_name, flip }) {
  const turned = flip ? ", turned left to right" : "";
  return `${called === "fresh" ? "▲" : "●"} called ${called} at the threshold ${called_from}, by ${network_name}${turned}.`;
}

function similarTiles(rows, thumbnails, shots) {
  const tile = (row, i) =>
    el(
      "div",
      { class: "tile" },
      el("img", { src: shots.url(thumbnails[i]), alt: "", width: 112, height: 112 }),
      el("b", {}, row.patch_id),
      el("br"),
      `${row.level || "level unknown"}: labelled ${row.label}`,
      el("br"),
      `distance ${rounded(row.distance, 2)}`,
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

/** Print a self-contained page without leaving this one. */
function printPage(html) {
  const frame = el("iframe", { class: "printed", title: "Answer to print", "aria-hidden": "true" });
  frame.addEventListener("load", () => {
    frame.contentWindow.addEventListener("afterprint", () => frame.remove());
    frame.contentWindow.print();
  });
  frame.srcdoc = html;
  document.body.append(frame);
}
