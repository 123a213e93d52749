// Shared by the widgets: elements without innerHTML, fields and forms, questions to the kernel.

const FOCUSABLE = new Set(["button", "input", "select", "textarea", "canvas", "summary", "a"]);

/** Make an element. Text from data only ever becomes a text node or an attribute value, never markup. */
function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  // JupyterLab matches its shortcuts (o hides an output, x cuts a cell) against whatever has the focus, so the
  // mark that keeps them out must be on the element itself.
  if (FOCUSABLE.has(tag) || "tabindex" in attributes) node.setAttribute("data-lm-suppress-shortcuts", "true");
  for (const [name, value] of Object.entries(attributes)) setAttribute(node, name, value);
  const wanted = children.flat().filter((child) => child !== null && child !== undefined);
  node.append(...wanted.map((child) => (child instanceof Node ? child : String(child))));
  return node;
}

/** A function listens (its name is "on" and the event), true and false switch, nothing sets nothing. */
function setAttribute(node, name, value) {
  if (typeof value === "function") node.addEventListener(name.slice(2), value);
  else if (typeof value === "boolean") node.toggleAttribute(name, value);
  else if (value !== null && value !== undefined) node.setAttribute(name, String(value));
}

/** The root of a widget. */
function root(name, label) {
  return el("section", { class: `ovcf ${name}`, "aria-label": label });
}

/** A labelled field: the label stands before the control and names it. */
function field(label, control, attributes = {}) {
  return el("label", { class: "field", ...attributes }, el("span", {}, label), control);
}

/** A drop-down from [value, text] pairs. */
function dropdown(pairs, chosen, attributes = {}) {
  const choices = pairs.map(([value, text]) => el("option", { value }, text));
  const node = el("select", attributes, choices);
  node.value = chosen;
  return node;
}

/** A form whose Enter always acts: JupyterLab keeps the browser's own submission from happening in its outputs. */
function form(attributes, act, ...children) {
  const submit = (event) => {
    event.preventDefault();
    act();
  };
  const node = el("form", { ...attributes, onsubmit: submit }, ...children);
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("input, select")) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });
  return node;
}

/** Which key does what, from [key, words] pairs. */
function keyHelp(pairs) {
  return pairs.flatMap(([key, words]) => [el("kbd", {}, key), ` ${words}  `]);
}

/** Words for when the kernel does not answer; hidden until then. */
function goneNotice(words) {
  return el("p", { class: "notice", role: "alert", hidden: true }, words);
}

/**
 * Questions to the kernel, each with its answer. When one is long in coming, `notice` is shown: the kernel is gone
 * or very slow. An answer that comes late still counts, and takes the notice away.
 */
function questions(model, notice) {
  // several pages may share a kernel, and each hears all its messages
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
  const ask = (kind, values = {}, { buffers = [], seconds = 20 } = {}) => {
    const reply = `${mine}-${next++}`;
    const showNotice = () => {
      notice.hidden = false;
    };
    return new Promise((resolve, reject) => {
      const timer = setTimeout(showNotice, seconds * 1000);
      waiting.set(reply, { resolve, reject, timer });
      try {
        model.send({ kind, reply, ...values }, undefined, buffers);
      } catch (error) {
        clearTimeout(timer);
        showNotice();
        reject(error);
      }
    });
  };
  const close = () => {
    model.off("msg:custom", receive);
    waiting.forEach((entry) => clearTimeout(entry.timer));
  };
  model.on("msg:custom", receive);
  return { ask, close };
}

/**
 * A page that asks the kernel first: heading, the notice of a kernel that is gone, a body, and a line that tells what
 * was done. `make(page, link, body, told)` gives an object with `hello(answer)`, `close()` and, where it has one, the
 * `token` to ask with. Returns what clears up.
 */
function askingPage(model, host, { name, title, gone, said = "told", make }) {
  const page = root(name, title);
  const notice = goneNotice(gone);
  const link = questions(model, notice);
  const body = el("div", { class: "body" });
  const told = el("p", { role: "status", class: said, "aria-live": "polite" });
  const research = el("span", { class: "research" }, "Research use only");
  page.append(el("header", {}, el("h2", {}, title), research, told), notice, body);
  host.append(page);
  const made = make(page, link, body, told);
  const refuse = (error) => body.replaceChildren(el("p", { role: "alert", class: "problem" }, error.message));
  link
    .ask("hello", "token" in made ? { token: made.token } : {})
    .then((hello) => made.hello(hello))
    .catch(refuse);
  return () => {
    link.close();
    made.close();
  };
}

const NOT_TYPED = ["radio", "checkbox", "range"].map((type) => `:not([type=${type}])`).join("");
const isTyping = (target) => target.matches?.(`input${NOT_TYPED}, textarea, select`);
/** A number with so many decimals, as `ovcf.words.rounded` writes it: a half goes away from zero. */
function rounded(number, decimals) {
  const whole = Math.round(Number((Math.abs(number) * 10 ** decimals).toPrecision(12)));
  return ((Math.sign(number) * whole) / 10 ** decimals).toFixed(decimals);
}

/** A probability in as few digits as keep it on its side of the threshold: 0.498 is no 0.50 that was called old. */
function sided(p, threshold, digits = 2) {
  if (!Number.isFinite(p)) return "unknown";
  const text = rounded(p, digits);
  return Number(text) >= threshold === p >= threshold || digits >= 9 ? text : sided(p, threshold, digits + 1);
}

const MARKS = { FN: "▼", FP: "▲", TP: "●", TN: "○" };
const OUTCOMES = {
  TP: "fresh, called fresh",
  FN: "fresh, called old",
  TN: "old, called old",
  FP: "old, called fresh",
};

/** Hand a text over as a file. */
function download(name, text, type = "text/csv") {
  const url = URL.createObjectURL(new Blob([text], { type }));
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000); // the download has begun by then
}
