// The browser of misclassified patches: filters, a page of thumbnails, one patch in detail. Python holds the
// tables; each page and each detail is asked for, so 20,000 patches cost what 48 do.

function render({ model, el: host }) {
  const page = root("browser", "Browser of patches");
  const gone = el("p", { class: "notice", role: "alert", hidden: true }, "The program behind this page does not answer. Flags already confirmed are kept. Run the notebook (or reload the page) to go on.");
  const link = questions(model, gone);
  const tilePictures = pictures();
  const detailPictures = pictures();
  host.append(page);
  let options, rows = [], count = 0, pageNumber = 0, selected = 0, position = -1, query = 0, debounce, wantMap = false;

  link.ask("hello").then((answer) => { options = answer; build(); search(); }).catch((error) => page.append(el("p", { class: "notice", role: "alert" }, error.message)));

  // Filters ----------------------------------------------------------------------------------------------
  const controls = {};
  const status = el("p", { role: "status", "aria-live": "polite", class: "status" });
  const tiles = el("ul", { class: "tiles", "aria-label": "Patches" });
  const previous = el("button", { type: "button", onclick: () => turn(-1) }, "Previous page");
  const following = el("button", { type: "button", onclick: () => turn(1) }, "Next page");
  const where = el("span", {});
  const list = el("div", { class: "list" }, status, tiles, el("div", { class: "pager" }, previous, where, following));
  const detail = el("div", { class: "detail", hidden: true });

  function build() {
    const any = (values, word = "any") => [["", word], ...values.map((v) => [v, v])];
    controls.network = dropdown(options.networks, options.network);
    controls.outcome = dropdown([["wrong", "wrong (FN and FP)"], ["", "any"], ["right", "right (TP and TN)"], ...["FN", "FP", "TP", "TN"].map((o) => [o, `${MARKS[o]} ${OUTCOMES[o]}`])], "wrong");
    controls.level = dropdown(any(options.levels), "");
    controls.region = dropdown(any(options.regions), "");
    controls.fold = dropdown(any(options.folds.map(String)), "");
    controls.agreement = dropdown(options.agreements.map((a) => [a, a === "any" ? "any" : `networks: ${a}`]), "any");
    controls.annotators = dropdown([["any", "any"], ["disagree", "disagree"], ["agree", "agree"]], "any", { disabled: !options.annotators, title: options.annotators ? null : "This cohort holds no labels of two annotators" });
    controls.flagged = dropdown([["", "any"], ["yes", "flagged"]], "");
    controls.low = el("input", { type: "number", min: 0, max: 1, step: 0.05, value: 0 });
    controls.high = el("input", { type: "number", min: 0, max: 1, step: 0.05, value: 1 });
    controls.patient = el("input", { type: "text", size: 8, autocomplete: "off" });
    controls.search = el("input", { type: "search", size: 12, autocomplete: "off", "aria-keyshortcuts": "/" });
    controls.sort = dropdown(options.orders, "loss");
    controls.ascending = dropdown([["no", "largest first"], ["yes", "smallest first"]], "no");
    const named = { network: "Network", outcome: "Outcome", level: "Level", region: "Region (diaphragm)", fold: "Fold", agreement: "Agreement", annotators: "Annotators", flagged: "Flags", low: "P(fresh) from", high: "to", patient: "Patient", search: "Search (/)", sort: "Sort by", ascending: "Order" };
    const filters = el("form", { class: "filters", "aria-label": "Filters", onsubmit: (e) => e.preventDefault() }, Object.entries(named).map(([name, text]) => field(text, controls[name], { "data-name": name })));
    filters.append(el("button", { type: "button", onclick: () => { filters.reset(); Object.entries({ network: options.network, outcome: "wrong" }).forEach(([k, v]) => { controls[k].value = v; }); search(); } }, "Clear filters"));
    filters.addEventListener("change", () => search());
    filters.addEventListener("input", (e) => { if (e.target.matches("input")) { clearTimeout(debounce); debounce = setTimeout(search, 120); } });
    page.append(
      el("header", {}, el("div", {}, el("h2", {}, "Right and wrong, patch by patch"), el("p", { class: "quiet" }, options.label)), el("p", { class: "research" }, "Research use only")),
      gone, options.warning ? el("p", { class: "notice" }, options.warning) : "", filters, list, detail,
      el("p", { class: "quiet keys" }, "Keys: ", [["arrows", "move"], ["Enter", "open"], ["Esc", "back"], ["f", "flag"], ["m", "map"], ["/", "search"], ["PgUp PgDn", "page"]].flatMap(([k, what]) => [el("kbd", {}, k), ` ${what}  `])),
      exportLine());
  }

  const conditions = () => ({
    network: controls.network.value, outcome: controls.outcome.value, level: controls.level.value, region: controls.region.value,
    fold: controls.fold.value, agreement: controls.agreement.value, annotators: controls.annotators.value, flagged: controls.flagged.value,
    low: Number(controls.low.value || 0), high: Number(controls.high.value || 1), patient: controls.patient.value.trim(), search: controls.search.value,
    sort: controls.sort.value, ascending: controls.ascending.value === "yes",
  });

  async function search(keepPage = false) {
    clearTimeout(debounce);
    const mine = ++query;
    if (keepPage !== true) { pageNumber = 0; selected = 0; }
    performance.mark("ovcf-query");
    const answer = await link.ask("page", { query: conditions(), page: pageNumber }).catch(fail);
    if (!answer || mine !== query) return; // a later question overtook this one
    ({ rows, count } = answer);
    pageNumber = answer.page;
    tilePictures.clear();
    tiles.replaceChildren(...rows.map((row, i) => el("li", {}, tile(row, tilePictures.url(answer.buffers[i]), () => open(pageNumber * options.size + i), i === selected ? 0 : -1))));
    status.textContent = `${count} of ${answer.total} patches; ${answer.wrong} of ${answer.total} are misclassified by ${answer.network_name} at 0.5`;
    where.textContent = count ? `page ${pageNumber + 1} of ${answer.pages}` : "no patch meets these filters";
    previous.disabled = pageNumber === 0;
    following.disabled = pageNumber >= answer.pages - 1;
    performance.measure("ovcf-filter", "ovcf-query");
    page.dataset.query = String(mine);
  }

  function tile(row, url, act, tabindex = 0) {
    const flags = row.flags ? [el("br"), el("span", { class: "flagged" }, `⚑ ${row.flags}`)] : [];
    return el("button", { type: "button", class: `tile ${row.outcome}`, onclick: act, tabindex, "data-patch": row.patch_id },
      el("img", { src: url, alt: "", width: 112, height: 112 }), el("b", {}, row.patch_id), el("br"), `${row.patient_id}, ${row.level}`, el("br"),
      row.outcome ? `${MARKS[row.outcome]} ${OUTCOMES[row.outcome]}` : row.label, el("br"), `P(fresh) ${percent(row.p_fresh)}`, row.distance === undefined ? null : [el("br"), `distance ${row.distance.toFixed(2)}`], flags);
  }

  function turn(step) {
    pageNumber = Math.max(0, pageNumber + step);
    selected = 0;
    return search(true).then(() => focusTile(0));
  }
  function focusTile(i) {
    const all = tiles.querySelectorAll("button");
    if (!all.length) return;
    all[selected]?.setAttribute("tabindex", "-1");
    selected = Math.max(0, Math.min(all.length - 1, i));
    all[selected].setAttribute("tabindex", "0");
    all[selected].focus();
  }

  // Detail -----------------------------------------------------------------------------------------------
  let viewer = null, shown = null, newest = 0;
  async function open(at) {
    if (at < 0 || at >= count) return;
    const mine = ++newest;
    performance.mark("ovcf-open");
    const answer = await link.ask("detail", { query: conditions(), position: at }).catch(fail);
    if (!answer || mine !== newest) return;
    position = at;
    shown = answer;
    list.hidden = true;
    page.querySelector(".filters").hidden = true;
    detail.hidden = false;
    await paintDetail(answer);
    performance.measure("ovcf-detail", "ovcf-open");
    detail.dataset.patch = answer.row.patch_id;
    related(answer.row.patch_id, mine);
    if (wantMap) showMap();
  }

  async function paintDetail(answer) {
    const { row, buffers } = answer;
    detailPictures.clear();
    const [film, before, after] = buffers;
    const urls = [detailPictures.url(before), detailPictures.url(after)];
    if (!viewer) viewer = new FilmViewer({ label: "Radiograph with the box of this vertebra", height: "min(62vh, 520px)" });
    const word = row.outcome === "TP" || row.outcome === "TN" ? "right" : "wrong";
    const back = el("button", { type: "button", onclick: close, "aria-keyshortcuts": "Escape" }, "Back to the list");
    const head = el("div", { class: "heading" }, back,
      el("button", { type: "button", disabled: position === 0, onclick: () => open(position - 1) }, "← Previous"), el("button", { type: "button", class: "next", disabled: position >= count - 1, onclick: () => open(position + 1) }, "Next →"),
      el("h3", { tabindex: -1 }, `${row.patch_id}: ${MARKS[row.outcome]} ${OUTCOMES[row.outcome]} (${word})`), el("span", { class: "quiet" }, `${position + 1} of ${count}`));
    const facts = el("dl", { class: "facts" }, answer.facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
    const says = el("table", { class: "says" }, el("caption", {}, "What each network says (the threshold is 0.5)"), el("thead", {}, el("tr", {}, ["Network", "P(fresh)", "", "Outcome"].map((t) => el("th", { scope: "col" }, t)))),
      el("tbody", {}, answer.answers.map((a) => el("tr", {}, el("th", { scope: "row" }, a.name), el("td", {}, percent(a.p)), el("td", {}, el("meter", { min: 0, max: 1, value: a.p, "aria-hidden": "true" })), el("td", {}, `${MARKS[a.outcome]} ${OUTCOMES[a.outcome]}`)))));
    const patch = (url, text) => el("figure", { class: "patch" }, el("img", { src: url, alt: text, width: 224, height: 224 }), el("figcaption", {}, text));
    const images = el("div", { class: "patches" }, patch(urls[0], "Patch as readers see it"), patch(urls[1], `Patch as the networks see it (equalisation: ${answer.equalisation})`), el("div", { class: "mapslot" }, el("button", { type: "button", onclick: toggleMap, "aria-keyshortcuts": "m" }, "Show activation map (m)")));
    const neighbours = el("section", { class: "near", "aria-label": "Other vertebrae of this film" }, el("h3", {}, "Other vertebrae of this film"), answer.neighbours.length ? strip(answer.neighbours, buffers.slice(3)) : el("p", { class: "quiet" }, "This film has no other patch in the cohort."));
    detail.replaceChildren(head, el("div", { class: "columns" }, el("div", {}, viewer.node), el("div", {}, images, facts)), says, flagForm(row, answer.flags), neighbours, el("section", { class: "similar", "aria-label": "Most similar patches of other patients" }, el("h3", {}, "Most similar patches of other patients"), el("p", { class: "quiet" }, "Looking…")));
    detail.dataset.urls = urls[1];
    const boxes = answer.neighbours.filter((n) => n.box).map((n) => ({ ...n.box, label: n.level }));
    viewer.show(await decodeGrey(film), { scale: answer.scale, boxes, box: answer.box });
    head.querySelector("h3").focus({ preventScroll: true });
  }

  const strip = (items, buffers) => el("ul", { class: "tiles" }, items.map((row, i) => el("li", {}, tile(row, detailPictures.url(buffers[i]), () => jump(row)))));
  async function jump(row) { // show a patch that the filters may not hold: look for it alone
    Object.assign(controls.outcome, { value: "" });
    ["level", "region", "fold", "flagged"].forEach((n) => { controls[n].value = ""; });
    ["agreement", "annotators"].forEach((n) => { controls[n].value = "any"; });
    controls.low.value = 0; controls.high.value = 1; controls.patient.value = row.patient_id; controls.search.value = "";
    await search();
    const answer = await link.ask("find", { query: conditions(), patch_id: row.patch_id }).catch(fail);
    if (answer && answer.position >= 0) open(answer.position);
  }

  async function related(patch_id, mine) {
    const slot = detail.querySelector(".similar");
    const answer = await link.ask("similar", { patch_id, network: controls.network.value }, { seconds: 90 }).catch((e) => ({ rows: [], note: e.message, buffers: [] }));
    if (mine !== newest || !slot.isConnected) return;
    slot.replaceChildren(el("h3", {}, "Most similar patches of other patients"), el("p", { class: "quiet" }, answer.note), strip(answer.rows, answer.buffers));
  }

  function toggleMap() { wantMap = !wantMap; if (wantMap) showMap(); else detail.querySelector(".mapslot").replaceChildren(el("button", { type: "button", onclick: toggleMap }, "Show activation map (m)")); }
  async function showMap() {
    const slot = detail.querySelector(".mapslot"), mine = newest;
    slot.replaceChildren(el("p", { class: "quiet", role: "status" }, "Computing the map…"));
    const answer = await link.ask("map", { patch_id: shown.row.patch_id, network: controls.network.value }, { seconds: 120 }).catch((e) => ({ error_text: e.message }));
    if (mine !== newest || !slot.isConnected) return;
    const hide = el("button", { type: "button", onclick: toggleMap }, "Hide map (m)");
    slot.replaceChildren(answer.error_text ? el("p", { class: "quiet" }, answer.error_text) : mapOverPatch(detail.dataset.urls, detailPictures.url(answer.buffers[0]), answer.note), hide);
  }

  function close() {
    newest++;
    detail.hidden = true;
    list.hidden = false;
    page.querySelector(".filters").hidden = false;
    const target = Math.floor(position / options.size);
    const index = position % options.size;
    if (target === pageNumber) focusTile(index);
    pageNumber = target;
    selected = index;
    // the list is asked for again, since a flag may have changed it; a user who went on keeps the focus
    search(true).then(() => { if (document.activeElement === document.body || tiles.contains(document.activeElement)) focusTile(index); });
  }

  // Flags ------------------------------------------------------------------------------------------------
  let reviewer = "";
  try { reviewer = localStorage.getItem("ovcf-reviewer") ?? ""; } catch { /* a private window has no memory */ }
  function flagForm(row, flags) {
    const name = el("input", { type: "text", value: reviewer, maxlength: 60, size: 12, autocomplete: "name" });
    const kind = dropdown(options.flags.map((f) => [f, f]), options.flags[0]);
    const comment = el("input", { type: "text", maxlength: 500, size: 28 });
    const told = el("p", { role: "status", class: "told" });
    const standing = el("ul", { class: "standing" }, flags.map(line));
    const keep = async () => {
      reviewer = name.value.trim();
      try { localStorage.setItem("ovcf-reviewer", reviewer); } catch { /* as above */ }
      const answer = await link.ask("flag", { patch_id: row.patch_id, network: controls.network.value, flag: kind.value, reviewer, comment: comment.value }).catch((e) => { told.textContent = `Not kept: ${e.message}`; });
      if (!answer) return;
      told.textContent = `Kept at ${answer.time} (${answer.flag})`;
      comment.value = "";
      standing.replaceChildren(...answer.flags.map(line));
    };
    return form({ class: "flag", "aria-label": "Flag this patch" }, keep, el("h3", {}, "Flag this patch"),
      field("Flag (f)", kind, { class: "field kind" }), field("Comment", comment), field("Your name", name), el("button", { type: "submit" }, "Keep flag"), told, standing);
  }
  const line = (f) => el("li", {}, `${f.reviewer || "unnamed"}: ${f.flag}${f.comment ? `, “${f.comment}”` : ""} (${f.time})`);
  function exportLine() {
    const told = el("span", { role: "status" });
    return el("p", { class: "export" }, el("button", { type: "button", onclick: async () => {
      const answer = await link.ask("export").catch(fail);
      if (!answer) return;
      const url = URL.createObjectURL(new Blob([answer.text], { type: "text/csv" }));
      el("a", { href: url, download: answer.name }).click();
      setTimeout(() => URL.revokeObjectURL(url), 1000);
      told.textContent = ` ${answer.count} flagged patches written to ${answer.path}`;
    } }, "Export flags for joint review"), told);
  }

  // Keyboard ---------------------------------------------------------------------------------------------
  page.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { key } = event;
    if (key === "Escape" && !detail.hidden) { event.preventDefault(); return close(); }
    if (isTyping(event.target) || event.target.type === "range") return;
    const act = detail.hidden ? inList(key, event) : inDetail(key);
    if (act) { event.preventDefault(); event.stopPropagation(); act(); }
  });
  function inList(key, event) {
    if (key === "/") return () => controls.search.focus();
    if (key === "PageDown" && !following.disabled) return () => turn(1);
    if (key === "PageUp" && !previous.disabled) return () => turn(-1);
    if (!event.target.closest(".tiles")) return null;
    const across = getComputedStyle(tiles).gridTemplateColumns.split(" ").length;
    const moves = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across, Home: -1e6, End: 1e6 };
    if (key in moves) return () => focusTile(selected + moves[key]);
    if (key === "f") return () => open(pageNumber * options.size + selected).then(() => detail.querySelector(".flag select").focus());
    return null;
  }
  function inDetail(key) {
    if (key === "ArrowRight") return () => open(position + 1);
    if (key === "ArrowLeft") return () => open(position - 1);
    if (key === "f") return () => detail.querySelector(".flag select").focus();
    if (key === "m") return toggleMap;
    if (key === "/") return () => { close(); controls.search.focus(); };
    return null;
  }

  function fail(error) { status.textContent = error.message; }
  return () => { link.close(); tilePictures.clear(); detailPictures.clear(); viewer?.close(); };
}
export default { render };
