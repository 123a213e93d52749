// A row of tabs: one stop of the Tab key, arrows move between them.
function render({ model, el: host }) {
  const bar = el("div", { role: "tablist", "aria-label": "Views", class: "tabs" });
  const buttons = model.get("labels").map((label, i) =>
    el("button", { type: "button", role: "tab", onclick: () => choose(i), onkeydown: (event) => key(event, i) }, label));
  bar.append(...buttons);
  const page = root("tabbar", "Views of the run");
  page.append(bar);
  host.append(page);
  const mark = () => buttons.forEach((button, i) => {
    const on = i === model.get("selected");
    button.setAttribute("aria-selected", String(on));
    button.setAttribute("aria-pressed", String(on));
    button.tabIndex = on ? 0 : -1;
  });
  function choose(i) {
    model.set("selected", i);
    model.save_changes();
  }
  function key(event, i) {
    const to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = (to + buttons.length) % buttons.length;
    choose(next);
    buttons[next].focus();
  }
  model.on("change:selected", mark);
  mark();
  return () => model.off("change:selected", mark);
}
export default { render };
