// Films of a page: their greys are asked for ahead and kept for the last few.

const FILMS_KEPT = 4;
const LOOK_AGAIN = 120; // ms until a film that is being read is asked for again
const CALL_COLOURS = { fresh: "#FF8A3D", old: "#56B4E9", normal: "#5BD9A6", "cannot say": "#E79BC4", "": "#D9D9D9" };
const SIDES = ["x0", "y0", "x1", "y1"];
const boxOf = (mark) => Object.fromEntries(SIDES.map((side) => [side, mark[side]]));
const boxWords = (box) => SIDES.map((side) => box[side]).join(",");
const callWords = ({ level, label }) => `${level || "?"} ${label || ""}`.trim();

class FilmStore {
  constructor(link) {
    this.link = link;
    this.kept = new Map(); // number -> promise of a film, the one asked for last at the end
  }

  get(number) {
    const coming = this.kept.get(number) ?? this.load(number);
    this.kept.delete(number);
    this.kept.set(number, coming);
    while (this.kept.size > FILMS_KEPT) this.kept.delete(this.kept.keys().next().value);
    coming.catch(() => this.kept.delete(number));
    return coming;
  }

  async load(number) {
    for (;;) {
      const answer = await this.link.ask("pixels", { number }, { seconds: 60 });
      if (answer.ready) return filmOf(answer);
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN));
    }
  }
}

/** Grey values as they came, without a copy where their place in the message allows it. */
function filmOf({ problem, width, height, scale, notes, spacing, buffers }) {
  if (problem) throw new Error(problem);
  const bytes = bytesOf(buffers[0]);
  const aligned = bytes.byteOffset % 2 ? bytes.slice() : bytes;
  const data = new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2);
  return { image: { width, height, data }, scale, notes, spacing };
}

/** A row of buttons of which one is pressed; `choose` is called with its value. */
function buttonRow(label, pairs, choose) {
  const buttons = pairs.map(([value, text]) =>
    el("button", { type: "button", "data-value": value, onclick: () => choose(value) }, text),
  );
  const node = el("div", { class: "buttonrow", role: "group", "aria-label": label }, buttons);
  const show = (chosen) =>
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.value === chosen)));
  const enable = (on) => buttons.forEach((button) => button.toggleAttribute("disabled", !on));
  return { node, show, enable };
}
