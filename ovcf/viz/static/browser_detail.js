// One patch in detail: its film, what is known of it, what every network says, its neighbours, patches like it.

const SIMILAR = "Most similar patches of other patients";
const NEIGHBOURS = "Other vertebrae of this film";

class PatchDetail {
  /** `acts` are what its buttons lead to: `back()`, `open(position)`, `jump(row)`, `toggleMap()` and `measure()`. */
  constructor(acts) {
    this.acts = acts;
    this.pictures = pictures();
    this.viewer = null; // made for the first patch, then kept
    this.node = el("div", { class: "detail", hidden: true });
  }

  /** Paint what the kernel answered about the patch at a position of the list; `flags` is its form. */
  paint(answer, film, { position, count, flags }) {
    const { row, buffers } = answer;
    this.pictures.clear();
    const first = !this.viewer;
    this.viewer ??= new FilmViewer({ label: "Radiograph with the box of this vertebra", height: "min(76vh, 900px)" });
    this.flags = flags;
    this.heights = el("p", { class: "heights", role: "status" });
    this.similar = el("section", { class: "similar", "aria-label": SIMILAR });
    this.mapSlot = el("div", { class: "mapslot" });
    this.offerMap();
    const heading = detailHeading(row, position, count, this.acts);
    this.patchUrl = this.pictures.url(buffers[2]);
    const images = el(
      "div",
      { class: "patches" },
      patchFigure(this.pictures.url(buffers[1]), "Patch as readers see it"),
      patchFigure(this.patchUrl, `Patch as the networks see it (equalisation: ${answer.equalisation})`),
      this.mapSlot,
    );
    const facts = el("div", {}, images, factList(answer.facts));
    const columns = el("div", { class: "columns" }, el("div", {}, this.viewer.node, this.heightsLine()), facts);
    const near = this.neighbours(answer.neighbours, buffers.slice(3));
    this.node.replaceChildren(heading, columns, answerTable(answer), flags, near, this.similar);
    this.tellSimilar("Looking…");
    const boxes = otherBoxes(answer.neighbours);
    this.viewer.show(film, { scale: answer.scale, boxes, box: answer.box, keep: !first });
    heading.querySelector("h3").focus({ preventScroll: true });
  }

  neighbours(rows, thumbnails) {
    const none = el("p", { class: "quiet" }, "This film has no other patch in the cohort.");
    const shown = rows.length ? this.strip(rows, thumbnails) : none;
    return el("section", { class: "near", "aria-label": NEIGHBOURS }, el("h3", {}, NEIGHBOURS), shown);
  }

  tellSimilar(note, ...shown) {
    this.similar.replaceChildren(el("h3", {}, SIMILAR), el("p", { class: "quiet" }, note), ...shown);
  }

  showSimilar({ note, rows, buffers }) {
    this.tellSimilar(note, this.strip(rows, buffers));
  }

  /** A row of tiles; each leads to its patch. */
  strip(rows, thumbnails) {
    const tile = (row, i) => patchTile(row, this.pictures.url(thumbnails[i]), () => this.acts.jump(row));
    const items = rows.map((row, i) => el("li", {}, tile(row, i)));
    return el("ul", { class: "tiles" }, items);
  }

  // Heights

  heightsLine() {
    const measure = { type: "button", onclick: () => this.acts.measure(), "aria-keyshortcuts": "h" };
    return el("div", { class: "measure" }, el("button", measure, "Measure heights (h)"), this.heights);
  }

  /** Six clicks; `keep` is called with their points. */
  measureHeights(keep) {
    const say = (n) => {
      const place = ["in front", "in the middle", "behind"][Math.floor(n / 2)];
      this.heights.textContent = n < 6 ? `Click the ${n % 2 ? "lower" : "upper"} end plate ${place}.` : "";
    };
    say(0);
    this.viewer.measure(6, { step: say, done: keep });
  }

  tellHeights(words) {
    this.heights.textContent = `Kept: ${words}.`;
  }

  showFlags(flags) {
    this.flags.querySelector(".standing").replaceChildren(...flags.map(flagLine));
  }

  // The map

  offerMap() {
    this.mapSlot.replaceChildren(this.mapButton("Show activation map (m)"));
  }

  awaitMap() {
    this.mapSlot.replaceChildren(el("p", { class: "quiet", role: "status" }, "Computing the map…"));
  }

  showMap({ note, buffers }) {
    const map = mapOverPatch(this.patchUrl, this.pictures.url(buffers[0]), note);
    this.mapSlot.replaceChildren(map, this.mapButton("Hide map (m)"));
  }

  refuseMap(why) {
    this.mapSlot.replaceChildren(el("p", { class: "quiet" }, why), this.mapButton("Hide map (m)"));
  }

  mapButton(text) {
    return el("button", { type: "button", onclick: () => this.acts.toggleMap(), "aria-keyshortcuts": "m" }, text);
  }

  close() {
    this.pictures.clear();
    this.viewer?.close();
  }
}

function detailHeading(row, position, count, { back, open }) {
  const word = row.outcome === "TP" || row.outcome === "TN" ? "right" : "wrong";
  const first = { type: "button", disabled: position <= 0, onclick: () => open(position - 1) };
  const last = { type: "button", class: "next", disabled: position < 0 || position >= count - 1, onclick: () => open(position + 1) };
  return el(
    "div",
    { class: "heading" },
    el("button", { type: "button", onclick: back, "aria-keyshortcuts": "Escape" }, "Back to the list"),
    el("button", first, "← Previous"),
    el("button", last, "Next →"),
    el("h3", { tabindex: -1 }, `${row.patch_id}: ${MARKS[row.outcome]} ${OUTCOMES[row.outcome]} (${word})`),
    el("span", { class: "quiet" }, position < 0 ? "not in the filtered list" : `${position + 1} of ${count}`),
    document.body.dataset.voila ? copyLink() : null,
  );
}

/** A button that copies the address of the patch in sight; it holds as long as this server runs. */
function copyLink() {
  const button = el("button", { type: "button" }, "Copy link");
  button.addEventListener("click", async () => {
    const { href } = window.location;
    try {
      await navigator.clipboard.writeText(href);
      button.textContent = "Copied";
    } catch {
      window.prompt("Address of this patch", href);
    }
  });
  return button;
}

function factList(facts) {
  const items = facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]);
  return el("dl", { class: "facts" }, items);
}

function answerTable({ answers, threshold }) {
  const titles = ["Network", "P(fresh)", "", "Outcome"].map((title) => el("th", { scope: "col" }, title));
  const cell = (content) => el("td", {}, content);
  const line = ({ name, p, outcome }) => [
    el("th", { scope: "row" }, name),
    cell(sided(p, threshold)),
    cell(el("meter", { min: 0, max: 1, value: p, "aria-hidden": "true" })),
    cell(`${MARKS[outcome]} ${OUTCOMES[outcome]}`),
  ];
  const lines = answers.map((answer) => el("tr", {}, line(answer)));
  return el(
    "table",
    { class: "says" },
    el("caption", {}, `What each network says (called fresh from ${threshold} on)`),
    el("thead", {}, el("tr", {}, titles)),
    el("tbody", {}, lines),
  );
}

function patchFigure(url, text) {
  const picture = el("img", { src: url, alt: text, width: 224, height: 224 });
  return el("figure", { class: "patch" }, picture, el("figcaption", {}, text));
}

/** Boxes of the other vertebrae of a film, each with its level. */
function otherBoxes(neighbours) {
  return neighbours.filter((row) => row.box).map((row) => ({ ...row.box, label: row.level }));
}
