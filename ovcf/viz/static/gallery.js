// Filters every static gallery of the page. Reads data attributes, writes textContent only.
"use strict";
for (const gallery of document.querySelectorAll(".ovcf-gallery")) {
  const form = gallery.querySelector("form");
  const tiles = [...gallery.querySelectorAll("li")];
  const names = JSON.parse(form.dataset.names);
  const marks = JSON.parse(form.dataset.marks);
  const update = () => {
    const { network, outcome, level } = form.elements;
    let shown = 0;
    for (const tile of tiles) {
      const seen = JSON.parse(tile.dataset.networks)[network.value];
      const code = seen ? seen[0] : "";
      const wrong = code === "FN" || code === "FP";
      const wanted =
        outcome.value === "any" ||
        outcome.value === code ||
        (outcome.value === "wrong" && wrong) ||
        (outcome.value === "right" && code && !wrong);
      tile.hidden = !(seen && wanted && (level.value === "any" || level.value === tile.dataset.level));
      tile.dataset.outcome = code;
      tile.querySelector(".said").textContent = seen
        ? marks[code] + " " + names[code] + ", P(fresh) " + seen[1]
        : "not asked";
      shown += tile.hidden ? 0 : 1;
    }
    gallery.querySelector("[role=status]").textContent = shown + " of " + tiles.length + " patches shown";
  };
  form.addEventListener("change", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  update();
}
