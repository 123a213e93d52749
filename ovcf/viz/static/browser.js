// The browser of misclassified patches: what is asked of the kernel and when. Python holds the tables; each page and
// each detail is asked for, so 20,000 patches cost what 48 do.

const GONE =
  "The program behind this page does not answer. Flags already confirmed are kept. " +
  "Run the notebook (or reload the page) to go on.";
const ASK_AGAIN = 500; // ms
const OPENING = "Opening the patch…";
const SAY_AFTER = 120; // ms

class PatchBrowser {
  constructor(page, link, options) {
    Object.assign(this, { page, link, options });
    this.pageNumber = 0;
    this.count = 0; // patches that meet the filters
    this.position = -1; // of the patch in detail, in that list
    this.patchId = ""; // of the patch in detail
    this.queries = 0; // an answer counts only when nothing was asked after it
    this.opened = 0;
    this.wantMap = false;
    this.reviewer = reviewerName();
    this.problem = el("p", { role: "alert", class: "problem" });
    this.filters = filterForm(options, () => this.search());
    this.list = new PatchList((step) => this.turn(step), () => this.bulk.update());
    this.detail = new PatchDetail({
      back: () => this.back(),
      open: (position) => this.open(position),
      jump: (row) => this.openPatch(row.patch_id),
      toggleMap: () => this.toggleMap(),
      measure: () => this.measureHeights(),
    });
    this.left = 0; // how far the list was scrolled when a patch was opened
    this.told = el("p", { role: "status", class: "quiet told" });
    this.bulk = chosenForm(options, this.list, this.reviewer, (flag) => this.flagChosen(flag));
    const show = (patch_id) => this.show({ patch_id }, { record: false });
    this.places = pagePlaces({ list: () => this.showList(), patch: show });
    page.addEventListener("keydown", (event) => this.press(event));
  }

  // The list

  /** Show the first page of what the filters now say. */
  search() {
    this.pageNumber = 0;
    this.list.selected = 0;
    this.list.clearChosen();
    return this.askPage();
  }

  async askPage() {
    const mine = ++this.queries;
    performance.mark("ovcf-query");
    const query = this.filters.conditions();
    const answer = await this.ask("page", { query, page: this.pageNumber });
    if (!answer || mine !== this.queries) return; // a later question overtook this one
    this.count = answer.count;
    this.pageNumber = answer.page;
    this.list.show(answer, (i) => this.open(this.pageNumber * this.options.size + i));
    performance.measure("ovcf-filter", "ovcf-query");
    this.page.dataset.query = String(mine);
  }

  async turn(step) {
    this.pageNumber = Math.max(0, this.pageNumber + step);
    this.list.selected = 0;
    await this.askPage();
    this.list.focus(0);
  }

  // The detail

  /** Open the patch at a position of the list. */
  async open(position) {
    if (position < 0 || position >= this.count) return;
    await this.show({ position });
  }

  /** Open a patch that the filters may not hold; they stay as they are. */
  async openPatch(patch_id) {
    await this.show({ patch_id });
  }

  async show(which, { record = true } = {}) {
    const mine = ++this.opened;
    performance.mark("ovcf-open");
    const waits = setTimeout(() => mine === this.opened && (this.told.textContent = OPENING), SAY_AFTER);
    const answer = await this.ask("detail", { query: this.filters.conditions(), ...which });
    clearTimeout(waits);
    if (mine === this.opened && this.told.textContent === OPENING) this.told.textContent = "";
    if (!answer || mine !== this.opened) return;
    const film = await decodeGrey(answer.buffers[0]);
    if (mine !== this.opened) return;
    const fromList = this.detail.node.hidden;
    if (fromList) this.left = scrollerOf(this.page).scrollTop;
    this.position = answer.position;
    this.patchId = answer.row.patch_id;
    this.showDetail(true);
    this.detail.paint(answer, film, { position: answer.position, count: this.count, flags: this.formFor(answer.flags) });
    performance.measure("ovcf-detail", "ovcf-open");
    this.detail.node.dataset.patch = this.patchId;
    if (fromList) this.detail.node.scrollIntoView({ block: "start" });
    if (record) this.places.enter(this.patchId, fromList);
    this.askSimilar();
    if (this.wantMap) this.askMap();
  }

  showDetail(shown) {
    this.detail.node.hidden = !shown;
    this.list.node.hidden = shown;
    this.filters.node.hidden = shown;
  }

  formFor(flags) {
    const patch_id = this.patchId;
    const send = (flag) => this.link.ask("flag", { patch_id, network: this.network, ...flag });
    return flagForm({ options: this.options, flags, reviewer: this.reviewer, send });
  }

  /** Measure heights by six clicks on the film; they are kept as a flag. */
  measureHeights() {
    const patch_id = this.patchId;
    const keep = async (points) => {
      const question = { patch_id, points, reviewer: this.reviewer.get(), network: this.network };
      const answer = await this.ask("heights", question);
      if (!answer || patch_id !== this.patchId) return;
      this.detail.tellHeights(answer.words);
      this.detail.showFlags(answer.flags);
    };
    this.detail.measureHeights(keep);
  }

  /** The model takes seconds to load; until then the kernel is asked again, for the patch then in sight. */
  async askSimilar() {
    const mine = this.opened;
    const question = { patch_id: this.patchId, network: this.network };
    const nothing = (error) => ({ rows: [], note: error.message, buffers: [] });
    const answer = await this.link.ask("similar", question, { seconds: 90 }).catch(nothing);
    if (mine !== this.opened) return;
    this.detail.showSimilar(answer);
    if (answer.loading) setTimeout(() => mine === this.opened && this.askSimilar(), ASK_AGAIN);
  }

  toggleMap() {
    this.wantMap = !this.wantMap;
    if (this.wantMap) this.askMap();
    else this.detail.offerMap();
  }

  async askMap() {
    const mine = this.opened;
    const isWanted = () => mine === this.opened && this.wantMap;
    this.detail.awaitMap();
    try {
      const question = { patch_id: this.patchId, network: this.network };
      const answer = await this.link.ask("map", question, { seconds: 120 });
      if (isWanted()) this.detail.showMap(answer);
    } catch (error) {
      if (isWanted()) this.detail.refuseMap(error.message);
    }
  }

  /** Go back to the list as it was left. */
  back() {
    if (!this.places.leave()) this.showList();
  }

  /** Show the list on the page and at the place where it was left. */
  async showList() {
    const { size } = this.options;
    this.opened++; // what is still on its way is no longer wanted
    this.showDetail(false);
    const onPage = Math.floor(this.position / size) === this.pageNumber && this.position >= 0;
    if (onPage) this.list.selected = this.position % size;
    this.list.focus(this.list.selected);
    const scroller = scrollerOf(this.page);
    scroller.scrollTop = this.left;
    await this.askPage(); // a flag may have changed the list
    const { activeElement } = document;
    const wanted = activeElement === document.body || this.list.tiles.contains(activeElement);
    if (wanted) this.list.focus(this.list.selected);
    scroller.scrollTop = this.left;
  }

  // Flags of one key, and on several patches at once

  /** Flag the chosen tiles, else the one in focus, or the patch in detail; what needs a reason opens its form. */
  async flagBy(flag) {
    if (this.options.with_reason.includes(flag)) {
      const form = this.detail.node.hidden ? this.bulk.node : this.detail.node;
      if (this.detail.node.hidden && !this.list.chosen.size) this.list.choose(this.list.selected);
      return startReason(form, flag);
    }
    const patch_id = this.detail.node.hidden ? this.list.targets() : [this.patchId];
    if (!patch_id.length) return;
    const question = { patch_id, flag, reviewer: this.reviewer.get(), network: this.network };
    const answer = await this.ask("flag", question);
    if (!answer) return;
    if (!this.detail.node.hidden) this.detail.showFlags(answer.flags);
    else await this.askPage();
    this.told.textContent = `${flag}: ${patch_id.length} patch${patch_id.length > 1 ? "es" : ""}`;
  }

  async flagChosen(flag) {
    const question = { patch_id: [...this.list.chosen], network: this.network, ...flag };
    const kept = await this.link.ask("flag", question);
    this.list.clearChosen();
    await this.askPage();
    return kept;
  }

  // The kernel

  get network() {
    return this.filters.conditions().network;
  }

  /** An answer, or nothing when there was none; the page says why. */
  async ask(kind, values) {
    try {
      const answer = await this.link.ask(kind, values);
      this.problem.textContent = "";
      return answer;
    } catch (error) {
      this.problem.textContent = error.message;
      return null;
    }
  }

  // What keys lead to

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = browserAct(this, event);
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  async openToFlag() {
    await this.open(this.pageNumber * this.options.size + this.list.selected);
    this.focusFlag();
  }

  focusFlag() {
    this.detail.node.querySelector(".flag select")?.focus();
  }

  backToSearch() {
    this.back();
    this.filters.focusSearch();
  }

  close() {
    this.opened++;
    this.places.close();
    this.list.close();
    this.detail.close();
  }
}

/** What scrolls the page around a node: the notebook's panel in JupyterLab, else the document. */
function scrollerOf(node) {
  const shared = getComputedStyle(document.documentElement).overflowY === "visible"; // the window scrolls for the body
  for (let at = node.parentElement; at && !(shared && at === document.body); at = at.parentElement) {
    const { overflowY } = getComputedStyle(at);
    if ((overflowY === "auto" || overflowY === "scroll") && at.scrollHeight > at.clientHeight) return at;
  }
  return document.scrollingElement;
}

/** What stands above the filters. */
function browserHeader(label) {
  const title = el("h2", {}, "Right and wrong, patch by patch");
  const words = el("div", {}, title, el("p", { class: "quiet" }, label));
  return el("header", {}, words, el("p", { class: "research" }, "Research use only"));
}

function render({ model, el: host }) {
  const page = root("browser", "Browser of patches");
  const gone = goneNotice(GONE);
  const link = questions(model, gone);
  let browser = null;
  const start = (options) => {
    browser = new PatchBrowser(page, link, options);
    page.append(
      browserHeader(options.label),
      gone,
      options.warning ? el("p", { class: "notice" }, options.warning) : "",
      browser.filters.node,
      browser.problem,
      browser.told,
      browser.bulk.node,
      browser.list.node,
      browser.detail.node,
      el("p", { class: "quiet keys" }, "Keys: ", keyHelp([...BROWSER_KEYS, ...flagKeys(options)])),
      exportLine(browser),
    );
    browser.search();
    const linked = browser.places.linked();
    if (linked) browser.show({ patch_id: linked }, { record: false });
  };
  const refuse = (error) => page.append(el("p", { class: "notice", role: "alert" }, error.message));
  const waiting = el("p", { role: "status" }, "Opening the run…");
  page.append(waiting);
  host.append(page);
  link
    .ask("hello")
    .then(start)
    .catch(refuse)
    .finally(() => waiting.remove());
  return () => {
    link.close();
    browser?.close();
  };
}

export default { render };
