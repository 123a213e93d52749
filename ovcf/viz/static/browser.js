// The browser of misclassified patches: what is asked of the kernel and when. Python holds the tables; each page and
// each detail is asked for, so 20,000 patches cost what 48 do.

const GONE =
  "The program behind this page does not answer. Flags already confirmed are kept. " +
  "Run the notebook (or reload the page) to go on.";
const ASK_AGAIN = 500; // ms

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
    this.list = new PatchList((step) => this.turn(step));
    this.detail = new PatchDetail({
      back: () => this.back(),
      open: (position) => this.open(position),
      jump: (row) => this.jump(row),
      toggleMap: () => this.toggleMap(),
    });
    page.addEventListener("keydown", (event) => this.press(event));
  }

  // The list

  /** Show the first page of what the filters now say. */
  search() {
    this.pageNumber = 0;
    this.list.selected = 0;
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

  async open(position) {
    if (position < 0 || position >= this.count) return;
    const mine = ++this.opened;
    performance.mark("ovcf-open");
    const answer = await this.ask("detail", { query: this.filters.conditions(), position });
    if (!answer || mine !== this.opened) return;
    const film = await decodeGrey(answer.buffers[0]);
    if (mine !== this.opened) return;
    this.position = position;
    this.patchId = answer.row.patch_id;
    this.showDetail(true);
    this.detail.paint(answer, film, { position, count: this.count, flags: this.formFor(answer.flags) });
    performance.measure("ovcf-detail", "ovcf-open");
    this.detail.node.dataset.patch = this.patchId;
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
    return flagForm({ kinds: this.options.flags, flags, reviewer: this.reviewer, send });
  }

  /** Show a patch that the filters may not hold: look for it alone. */
  async jump(row) {
    this.filters.showOnly(row.patient_id);
    await this.search();
    const answer = await this.ask("find", { query: this.filters.conditions(), patch_id: row.patch_id });
    if (answer && answer.position >= 0) this.open(answer.position);
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

  /** Go back to the list, to the page and the tile of the patch that was shown last. */
  async back() {
    const { size } = this.options;
    const i = this.position % size;
    const page = Math.floor(this.position / size);
    this.opened++; // what is still on its way is no longer wanted
    this.showDetail(false);
    if (page === this.pageNumber) this.list.focus(i);
    this.pageNumber = page;
    this.list.selected = i;
    await this.askPage(); // a flag may have changed the list
    const { activeElement } = document;
    if (activeElement === document.body || this.list.tiles.contains(activeElement)) this.list.focus(i);
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
    this.list.close();
    this.detail.close();
  }
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
      browser.list.node,
      browser.detail.node,
      el("p", { class: "quiet keys" }, "Keys: ", keyHelp(BROWSER_KEYS)),
      exportLine(() => browser.ask("export")),
    );
    browser.search();
  };
  const refuse = (error) => page.append(el("p", { class: "notice", role: "alert" }, error.message));
  host.append(page);
  link.ask("hello").then(start).catch(refuse);
  return () => {
    link.close();
    browser?.close();
  };
}

export default { render };
