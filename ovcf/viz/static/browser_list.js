// One page of patches as tiles. One of them is the stop of the Tab key; arrows move between them.

/** A patch as a button: its thumbnail, whose it is, what the network said. */
function patchTile(row, url, act, tabindex = 0) {
  const lines = [
    el("b", {}, row.patch_id),
    `${row.patient_id}, ${row.level}`,
    row.outcome ? `${MARKS[row.outcome]} ${OUTCOMES[row.outcome]}` : row.label,
    `P(fresh) ${sided(row.p_fresh, row.threshold)}`,
  ];
  if (row.distance !== undefined) lines.push(`distance ${rounded(row.distance, 2)}`);
  if (row.twin) lines.push(`like ${row.twin}`);
  if (row.flags) lines.push(el("span", { class: "flagged" }, `⚑ ${row.flags}`));
  const attributes = {
    type: "button",
    class: `tile ${row.outcome}`,
    onclick: act,
    tabindex,
    "data-patch": row.patch_id,
  };
  const picture = el("img", { src: url, alt: "", width: 112, height: 112 });
  return el("button", attributes, picture, ...lines.map((line, i) => (i ? [el("br"), line] : line)));
}

class PatchList {
  /** `turn` is called with 1 or -1 by the buttons under the tiles, `chose` when other tiles are chosen. */
  constructor(turn, chose) {
    this.chose = chose;
    this.chosen = new Set(); // ids of patches that a flag is meant for, on whatever page
    this.from = 0; // where a range of chosen tiles begins
    this.pictures = pictures();
    this.selected = 0; // the tile that the Tab key comes to
    this.status = el("p", { role: "status", "aria-live": "polite", class: "status" });
    this.tiles = el("ul", { class: "tiles", "aria-label": "Patches" });
    this.tiles.addEventListener("focusin", ({ target }) => {
      const place = [...this.tiles.querySelectorAll("button")].indexOf(target);
      if (place >= 0) this.selected = place; // however it came into focus
    });
    this.previous = el("button", { type: "button", onclick: () => turn(-1) }, "Previous page");
    this.following = el("button", { type: "button", onclick: () => turn(1) }, "Next page");
    this.where = el("span", {});
    const pager = el("div", { class: "pager" }, this.previous, this.where, this.following);
    this.node = el("div", { class: "list" }, this.status, this.tiles, pager);
  }

  /** Show a page as the kernel gave it; `open` is called with the place of a tile on it. */
  show(answer, open) {
    const { rows, buffers, count, total, wrong, page, pages, threshold } = answer;
    this.pictures.clear();
    const tile = (row, i) => {
      const act = (event) => (event.ctrlKey || event.metaKey || event.shiftKey ? this.choose(i, event.shiftKey) : open(i));
      return patchTile(row, this.pictures.url(buffers[i]), act, i === this.selected ? 0 : -1);
    };
    this.tiles.replaceChildren(...rows.map((row, i) => el("li", {}, this.box(row, i), tile(row, i))));
    const mistakes = `${wrong} of ${total} are misclassified by ${answer.network_name} at ${threshold}`;
    this.status.textContent = `${count} of ${total} patches; ${mistakes}`;
    this.where.textContent = count ? `page ${page + 1} of ${pages}` : "no patch meets these filters";
    this.previous.disabled = page === 0;
    this.following.disabled = page >= pages - 1;
  }

  // Several at once

  box({ patch_id }, i) {
    const box = el("input", { type: "checkbox", tabindex: -1, "aria-label": `Choose ${patch_id}`, "data-patch": patch_id });
    box.checked = this.chosen.has(patch_id);
    box.addEventListener("click", (event) => {
      event.preventDefault(); // `choose` sets it
      setTimeout(() => this.choose(i, event.shiftKey));
    });
    return box;
  }

  boxes() {
    return [...this.tiles.querySelectorAll("input[type=checkbox]")];
  }

  /** Choose a tile or take it back; with `range` all from the last one to this. */
  choose(i, range = false) {
    const boxes = this.boxes();
    const on = range || !this.chosen.has(boxes[i].dataset.patch);
    const [first, last] = range ? [Math.min(this.from, i), Math.max(this.from, i)] : [i, i];
    for (const { dataset } of boxes.slice(first, last + 1)) {
      if (on) this.chosen.add(dataset.patch);
      else this.chosen.delete(dataset.patch);
    }
    this.from = i;
    this.showChosen();
  }

  chooseAll() {
    this.boxes().forEach(({ dataset }) => this.chosen.add(dataset.patch));
    this.showChosen();
  }

  clearChosen() {
    this.chosen.clear();
    this.showChosen();
  }

  showChosen() {
    for (const box of this.boxes()) box.checked = this.chosen.has(box.dataset.patch);
    this.chose();
  }

  /** The patches that a flag is meant for: the chosen ones, else the one in focus. */
  targets() {
    if (this.chosen.size) return [...this.chosen];
    const tile = this.tiles.querySelectorAll("button")[this.selected];
    return tile ? [tile.dataset.patch] : [];
  }

  /** Move the focus to a tile, or to the nearest there is. */
  focus(i) {
    const all = this.tiles.querySelectorAll("button");
    if (!all.length) return;
    all[this.selected]?.setAttribute("tabindex", "-1");
    this.selected = Math.max(0, Math.min(all.length - 1, i));
    all[this.selected].setAttribute("tabindex", "0");
    all[this.selected].focus();
  }

  /** Where an arrow key leads from the selected tile; undefined for other keys. */
  placeAfter(key) {
    const across = getComputedStyle(this.tiles).gridTemplateColumns.split(" ").length;
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across };
    if (key in steps) return this.selected + steps[key];
    return { Home: 0, End: Infinity }[key];
  }

  close() {
    this.pictures.clear();
  }
}
