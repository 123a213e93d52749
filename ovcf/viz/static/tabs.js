// A row of tabs: one stop of the Tab key, arrows move between them.

function render({ model, el: host }) {
  const choose = (i) => {
    model.set("selected", i);
    model.save_changes();
  };
  const press = (event, i) => {
    const to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = (to + tabs.length) % tabs.length;
    choose(next);
    tabs[next].focus();
  };
  const tab = (label, i) => {
    const attributes = { type: "button", role: "tab", onclick: () => choose(i), onkeydown: (event) => press(event, i) };
    return el("button", attributes, label);
  };
  const tabs = model.get("labels").map(tab);
  const mark = () => markChosen(tabs, model.get("selected"));
  const page = root("tabbar", "Views of the run");
  page.append(el("div", { role: "tablist", "aria-label": "Views", class: "tabs" }, tabs));
  host.append(page);
  model.on("change:selected", mark);
  mark();
  return () => model.off("change:selected", mark);
}

function markChosen(tabs, chosen) {
  tabs.forEach((tab, i) => {
    tab.setAttribute("aria-selected", String(i === chosen));
    tab.tabIndex = i === chosen ? 0 : -1;
  });
}

export default { render };
