// The coordinator's page: a row a reader, and the readings as a file.

const EVERY = 30000; // ms between two looks at the journals
const COLUMNS = [
  ["reader", "Reader"],
  ["state", "State"],
  ["answered", "Answers"],
  ["missing", "Missing"],
  ["median_seconds", "Median time"],
  ["cannot_judge", "Cannot judge"],
  ["mis_keyed", "Mis-keyed"],
  ["last", "Last seen"],
  ["washout_ends", "Next session from"],
  ["display", "Display"],
  ["damaged_lines", "Damaged lines"],
];
const TIMES = new Set(["last", "washout_ends"]);

function cellText(name, value, row) {
  if (value === null || value === undefined || value === "") return "–";
  if (TIMES.has(name)) return new Date(value).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  if (name === "median_seconds") return `${rounded(value, 1)} s`;
  if (name === "answered") return `${value} of ${row.of}`;
  return String(value);
}

/** A table of readers; the numbers of each session stand beneath the sum. */
function statusTable({ rows, arms }) {
  const head = COLUMNS.map(([, title]) => el("th", { scope: "col" }, title));
  const parts = (row) => arms.map((arm, i) => `${i + 1}: ${row[`answered_${i + 1}`] ?? 0}`).join(", ");
  const line = (row) =>
    COLUMNS.map(([name], i) => {
      const text = cellText(name, row[name], row);
      if (i === 0) return el("th", { scope: "row" }, text);
      const more = name === "answered" && arms.length > 1 ? el("small", {}, ` (by session ${parts(row)})`) : null;
      return el("td", { class: `of-${name}` }, text, more);
    });
  const body = rows.map((row) => el("tr", { "data-state": row.state }, line(row)));
  const caption = el("caption", {}, "Readers of this study");
  const table = el("table", {}, caption, el("thead", {}, el("tr", {}, head)), el("tbody", {}, body));
  return el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Readers of this study" }, table);
}

function planWords({ cases, training, arms, design, washout_days, scale }) {
  const how = design === "crossover" ? "crossover by reader and case" : "in this order";
  const first = training ? `${training} training cases, ` : "";
  const gap = arms.length > 1 ? `; ${washout_days} days between sessions` : "";
  return `${first}${cases} cases; ${arms.join(", ")} (${how})${gap}; confidence ${scale}.`;
}

function save(name, buffer) {
  const bytes = new Uint8Array(buffer.buffer ?? buffer, buffer.byteOffset ?? 0, buffer.byteLength);
  const url = URL.createObjectURL(new Blob([bytes], { type: "text/csv" }));
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000); // the download has begun by then
}

class RoomStatus {
  constructor(link, body) {
    Object.assign(this, { link, body });
    this.said = el("div", { role: "status", class: "said" });
    this.timer = setInterval(() => this.look(), EVERY);
    this.look();
  }

  async look() {
    const refuse = (error) => this.body.replaceChildren(el("p", { role: "alert", class: "problem" }, error.message));
    const status = await this.link.ask("status").catch(refuse);
    if (status) this.show(status);
  }

  show(status) {
    const had = this.body.contains(document.activeElement) ? document.activeElement.dataset.act : "";
    const button = (act, text, does) => el("button", { type: "button", "data-act": act, onclick: does }, text);
    const acts = el(
      "p",
      { class: "acts" },
      button("look", "Look again", () => this.look()),
      button("interim", "Export finished readers", () => this.export(true)),
      button("all", "Export every answer", () => this.export(false)),
    );
    const wrong = status.problems.map((problem) => el("li", {}, problem));
    const damage = wrong.length ? el("ul", { class: "notice" }, wrong) : "";
    const at = `As of ${new Date(status.now).toLocaleTimeString()}.`;
    this.body.replaceChildren(
      el("p", {}, status.label),
      el("p", {}, planWords(status)),
      statusTable(status),
      damage,
      acts,
      this.said,
      el("p", { class: "quiet" }, `${at} Right and wrong answers are not shown while readers read.`),
    );
    if (had) this.body.querySelector(`[data-act=${had}]`)?.focus();
  }

  async export(finished_only) {
    const refuse = (error) => this.said.replaceChildren(el("p", { class: "problem" }, error.message));
    const answer = await this.link.ask("export", { finished_only }).catch(refuse);
    if (!answer) return;
    const { name, readers, count, notes, buffers } = answer;
    if (count) save(name, buffers[0]);
    const words = count ? `${name}: ${count} answers of ${readers} readers.` : "There is nothing to export yet.";
    const lines = notes.map((note) => el("li", {}, note));
    this.said.replaceChildren(el("p", {}, words), el("ul", {}, lines));
  }

  close() {
    clearInterval(this.timer);
  }
}

function render({ model, el: host }) {
  const page = root("status", "State of the reader study");
  const gone = goneNotice("The program behind this page does not answer. Start it again with: ovcf room RUN --status");
  const link = questions(model, gone);
  const body = el("div", { class: "body" });
  const research = el("span", { class: "research" }, "Research use only");
  page.append(el("header", {}, el("h2", {}, "State of the reader study"), research), gone, body);
  host.append(page);
  const status = new RoomStatus(link, body);
  return () => {
    link.close();
    status.close();
  };
}

export default { render };
