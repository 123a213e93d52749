// Words where a widget cannot be shown.
function render({ model, el: host }) {
  const page = root("noticepage", "Notice");
  page.append(el("h2", {}, "This run cannot be explored yet"), el("ul", { class: "notice", role: "alert" }, model.get("lines").map((line) => el("li", {}, line))));
  host.append(page);
}
export default { render };
