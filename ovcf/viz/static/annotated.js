// How a run's vertebrae were marked: the protocol, what must be known, and the commands that mark flagged ones anew.

const GONE = "The program behind this page does not answer. Reload the page to go on.";
const APART = "Nothing is marked on this page, since the model's answers stand on it; each annotator has a page of their own.";

class AnnotatedPage {
  constructor(page, link, body) {
    Object.assign(this, { page, link, body });
  }

  hello({ protocol, remarks, flagged, again, joint }) {
    const row = ({ item, value }) => el("tr", {}, el("th", { scope: "row" }, item), el("td", {}, value));
    const caption = el("caption", {}, "Protocol of the annotation");
    const table = el("table", {}, caption, el("tbody", {}, protocol.map(row)));
    const notes = el("ul", { class: "remarks" }, remarks.map((words) => el("li", {}, words)));
    const known = remarks.length ? [el("h3", {}, "To know"), notes] : [];
    this.body.replaceChildren(el("p", {}, APART), table, ...known, ...this.next(flagged, again, joint));
    this.page.dataset.flagged = flagged;
  }

  next(flagged, again, joint) {
    const count = `${flagged} ${flagged === 1 ? "vertebra is" : "vertebrae are"} flagged in this run.`;
    const open = `${count} This command opens the films at them, the flag beside each mark:`;
    const settle = "What the two annotators differ in then is settled in a joint session, which writes the next version of the manifest:";
    const command = (text) => el("pre", { tabindex: 0 }, text);
    const title = el("h3", {}, "Correct what is flagged");
    return flagged ? [title, el("p", {}, open), command(again), el("p", {}, settle), command(joint)] : [title, el("p", {}, count)];
  }

  close() {}
}

function render({ model, el: host }) {
  const make = (...parts) => new AnnotatedPage(...parts);
  return askingPage(model, host, { name: "annotated", title: "Annotation", gone: GONE, make });
}

export default { render };
