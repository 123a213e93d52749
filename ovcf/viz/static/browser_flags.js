// Flags that reviewers put on patches, and their export for a joint review.

/** The reviewer's name: this page remembers it, and the next one too where the web browser allows it. */
function reviewerName() {
  const place = "ovcf-reviewer";
  let name = "";
  try {
    name = localStorage.getItem(place) ?? "";
  } catch {
    // a private window has no memory
  }
  const keep = (given) => {
    name = given;
    try {
      localStorage.setItem(place, name);
    } catch {
      // as above
    }
  };
  return { get: () => name, keep };
}

/** The form that flags one patch. `send` takes the flag to the kernel and promises what is then on the disk. */
function flagForm({ options, flags, reviewer, send, title = "Flag this patch" }) {
  const { node, controls } = flagFields(options, reviewer, title);
  const standing = el("ul", { class: "standing" }, flags.map(flagLine));
  const keep = async () => {
    reviewer.keep(controls.name.value.trim());
    const refuse = (error) => {
      controls.told.textContent = `Not kept: ${error.message}`;
    };
    const question = { flag: controls.kind.value, reviewer: reviewer.get(), comment: controls.comment.value };
    const kept = await send(question).catch(refuse);
    if (!kept) return;
    controls.told.textContent = `Kept at ${kept.time} (${kept.flag})`;
    controls.comment.value = "";
    standing.replaceChildren(...kept.flags.map(flagLine));
  };
  return form({ class: "flag", "aria-label": title }, keep, ...node, standing);
}

function flagFields({ flags, with_reason }, reviewer, title) {
  const name = el("input", { type: "text", value: reviewer.get(), maxlength: 60, size: 12, autocomplete: "name" });
  const words = (flag) => (with_reason.includes(flag) ? `${flag} (with a reason)` : flag);
  const kind = dropdown(flags.map((flag) => [flag, words(flag)]), flags[0]);
  const comment = el("input", { type: "text", maxlength: 500, size: 28, class: "reason" });
  const told = el("p", { role: "status", class: "told" });
  const node = [
    el("h3", {}, title),
    field("Flag (f)", kind, { class: "field kind" }),
    field("Comment or reason", comment),
    field("Your name", name),
    el("button", { type: "submit" }, "Keep flag"),
    told,
  ];
  return { node, controls: { name, kind, comment, told } };
}

/** Set a form to a flag that needs a reason, and wait for the reason. */
function startReason(around, flag) {
  around.querySelector(".kind select").value = flag;
  around.querySelector(".reason").focus();
}

/** What can be done with the chosen patches; hidden while none is. `send` flags them all. */
function chosenForm(options, list, reviewer, send) {
  const flags = flagForm({ options, flags: [], reviewer, send, title: "Flag the chosen patches" });
  const count = el("b", {});
  const button = (text, act) => el("button", { type: "button", onclick: act }, text);
  const line = el(
    "p",
    {},
    count,
    " ",
    button("Choose all on this page", () => list.chooseAll()),
    button("Choose none", () => list.clearChosen()),
  );
  const node = el("section", { class: "chosen", hidden: true, "aria-label": "Chosen patches" }, line, flags);
  const update = () => {
    node.hidden = !list.chosen.size;
    count.textContent = `${list.chosen.size} chosen`;
  };
  return { node, update };
}

function flagLine({ reviewer, flag, comment, time }) {
  const words = comment ? `, “${comment}”` : "";
  return el("li", {}, `${reviewer || "unnamed"}: ${flag}${words} (${time})`);
}

/** Buttons that hand over the list, the flags, and a manifest with the corrections that the flags ask for. */
function exportLine(browser) {
  const told = el("span", { role: "status" });
  const act = (kind, question, words) => async () => {
    const answer = await browser.ask(kind, question());
    if (!answer) return;
    if (answer.text !== undefined) download(answer.name, answer.text);
    told.textContent = ` ${words(answer)}`;
  };
  const button = (text, ...how) => el("button", { type: "button", onclick: act(...how) }, text);
  const filtered = () => ({ query: browser.filters.conditions() });
  const corrected = ({ path, relabelled, left_out }) =>
    `${path}: ${relabelled} relabelled, ${left_out} left out. Run it with ovcf run --data.`;
  return el(
    "p",
    { class: "export" },
    button("Export this list", "table", filtered, ({ count }) => `${count} patches exported`),
    button("Export flags for joint review", "export", () => ({}), ({ count, path }) => `${count} flagged patches: ${path}`),
    button("Write a corrected manifest", "correct", () => ({ reviewer: browser.reviewer.get() }), corrected),
    told,
  );
}
