// Keys of the annotators' page. A level is two or three keys: t 1 2 is T12, l 3 is L3.

const ANNOTATING_KEYS = [
  ["Enter", "take the next box proposed below (Shift: above)"], ["t l", "then the number: level"], [", .", "level up, down"],
  ["f o n c", "fresh, old, normal, cannot say"], ["p", "normal taken as old on purpose"], ["1 2 3", "T1, T2, STIR signal"],
  ["k", "percussion pain"], ["e", "comment"], ["a b", "mark above, below"], ["q", "four corners: upper front, upper back, lower back, lower front"],
  ["Delete", "remove"], ["z y", "undo, redo"], ["d", "done, next film"], ["[ ]", "film before, after"], ["g", "next grey preset"],
  ["arrows", "move the box, Alt: size it, Shift: ten times as far"], ["+ − 0 v", "zoom"],
]; // prettier-ignore

class LevelChord {
  /** `levels` are the study's; `done` is called with one, `tell` with what was typed so far. */
  constructor(levels, done, tell) {
    Object.assign(this, { levels, done, tell });
    this.typed = "";
  }

  get isOpen() {
    return this.typed !== "";
  }

  /** Take a key; false where it is none of a level's. */
  press(key) {
    const typed = this.typed + key.toUpperCase();
    if (!this.levels.some((level) => level.startsWith(typed))) {
      const wasOpen = this.isOpen;
      this.clear();
      return wasOpen && /^[0-9a-z]$/i.test(key) ? (this.tell(`No level ${typed}`), true) : false;
    }
    this.typed = typed;
    this.tell(`Level ${typed}…`);
    if (this.levels.includes(typed)) {
      this.clear();
      this.done(typed);
    }
    return true;
  }

  clear() {
    this.typed = "";
    this.tell("");
  }
}

/** What a key does on the page, null for nothing. */
function annotatingAct(page, { key, shiftKey, ctrlKey, metaKey, target }) {
  const lower = key.toLowerCase();
  if (ctrlKey || metaKey) return { z: () => (shiftKey ? page.redo() : page.undo()), y: () => page.redo() }[lower] ?? null;
  if (key === "Enter") return target.closest("button, summary, select") ? null : () => page.take(!shiftKey);
  const label = Object.keys(LABEL_KEYS).find((name) => LABEL_KEYS[name] === lower);
  if (label) return () => page.set("label", label);
  const sequence = page.words.sequences["123".indexOf(key)];
  if (/^[123]$/.test(key)) return () => page.cycle(sequence, page.words.signals);
  const acts = {
    p: () => page.set("on_purpose", !page.held?.on_purpose), k: () => page.cycle("percussion", page.words.yes_no),
    e: () => page.panel.comment.focus(), a: () => page.neighbour(-1), b: () => page.neighbour(1), q: () => page.corners(),
    delete: () => page.remove(), backspace: () => page.remove(), z: () => page.undo(), y: () => page.redo(), d: () => page.done(),
    "[": () => page.step(-1), "]": () => page.step(1), ",": () => page.shiftLevel(-1), ".": () => page.shiftLevel(1),
    g: () => page.nextPreset(), escape: () => page.let(),
  }; // prettier-ignore
  return acts[lower] ?? null;
}
