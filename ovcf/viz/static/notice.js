// Words where a widget cannot be shown.

function render({ model, el: host }) {
  const page = root("noticepage", "Notice");
  const lines = model.get("lines").map((line) => el("li", {}, line));
  const title = el("h2", {}, "This run cannot be explored yet");
  page.append(title, el("ul", { class: "notice", role: "alert" }, lines));
  host.append(page);
}

export default { render };
