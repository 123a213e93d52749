// Shared by the widgets: elements without innerHTML, pictures from bytes, questions to the kernel.

const FOCUSABLE = new Set(["button", "input", "select", "textarea", "canvas", "summary", "a"]);

/** Make an element. Text from data only ever becomes a text node or an attribute value, never markup. */
function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  // JupyterLab matches its shortcuts (o hides an output, x cuts a cell) against whatever has the focus, so the
  // mark that keeps them out must be on the element itself.
  if (FOCUSABLE.has(tag) || "tabindex" in attributes) node.setAttribute("data-lm-suppress-shortcuts", "true");
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else if (typeof value === "boolean") node.toggleAttribute(name, value);
    else if (value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
  node.append(...children.flat().filter((c) => c !== null && c !== undefined).map((c) => (c instanceof Node ? c : String(c))));
  return node;
}

/** A labelled field: the label stands before the control and names it. */
function field(label, control, attributes = {}) {
  return el("label", { class: "field", ...attributes }, el("span", {}, label), control);
}

/** A form whose Enter always acts: JupyterLab keeps the browser's own submission from happening in its outputs. */
function form(attributes, act, ...children) {
  const node = el("form", { ...attributes, onsubmit: (event) => { event.preventDefault(); act(); } }, ...children);
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("input, select")) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });
  return node;
}

/** A drop-down from [value, text] pairs. */
function dropdown(pairs, chosen, attributes = {}) {
  const node = el("select", attributes, pairs.map(([value, text]) => el("option", { value }, text)));
  node.value = chosen;
  return node;
}

const bytesOf = (view) => new Uint8Array(view.buffer ?? view, view.byteOffset ?? 0, view.byteLength);

/** Object URLs of one screen; `clear` frees the last screen's, so memory stays flat. */
function pictures() {
  let urls = [];
  return {
    url(view) {
      const bytes = bytesOf(view);
      const url = URL.createObjectURL(new Blob([bytes], { type: bytes[0] === 0x89 ? "image/png" : "image/jpeg" }));
      urls.push(url);
      return url;
    },
    clear() {
      urls.forEach((url) => URL.revokeObjectURL(url));
      urls = [];
    },
  };
}

/**
 * Questions to the kernel, each with its answer. When one is long in coming, `notice` is shown: the kernel is gone
 * or very slow. An answer that comes late still counts, and takes the notice away.
 */
function questions(model, notice) {
  const mine = Math.random().toString(36).slice(2);
  const waiting = new Map();
  let next = 0;
  const receive = (message, buffers) => {
    const entry = waiting.get(message.reply);
    if (!entry) return;
    waiting.delete(message.reply);
    clearTimeout(entry.timer);
    notice.hidden = true;
    if (message.error) entry.reject(new Error(message.error));
    else entry.resolve({ ...message, buffers: buffers ?? [] });
  };
  model.on("msg:custom", receive);
  return {
    ask(kind, values = {}, { buffers = [], seconds = 20 } = {}) {
      const reply = `${mine}-${next++}`;
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => { notice.hidden = false; }, seconds * 1000);
        waiting.set(reply, { resolve, reject, timer });
        try {
          model.send({ kind, reply, ...values }, undefined, buffers);
        } catch (error) {
          clearTimeout(timer);
          notice.hidden = false;
          reject(error);
        }
      });
    },
    close() {
      model.off("msg:custom", receive);
      waiting.forEach((entry) => clearTimeout(entry.timer));
    },
  };
}

/** The root of a widget. */
function root(name, label) {
  return el("section", { class: `ovcf ${name}`, "aria-label": label });
}

const isTyping = (target) => target.matches?.("input:not([type=radio]):not([type=checkbox]):not([type=range]), textarea, select");
const percent = (p) => (Number.isFinite(p) ? p.toFixed(2) : "unknown");
const MARKS = { FN: "▼", FP: "▲", TP: "●", TN: "○" };
const OUTCOMES = { TP: "fresh, called fresh", FN: "fresh, called old", TN: "old, called old", FP: "old, called fresh" };
