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
function flagForm({ kinds, flags, reviewer, send }) {
  const name = el("input", { type: "text", value: reviewer.get(), maxlength: 60, size: 12, autocomplete: "name" });
  const choices = kinds.map((flag) => [flag, flag]);
  const kind = dropdown(choices, kinds[0]);
  const comment = el("input", { type: "text", maxlength: 500, size: 28 });
  const told = el("p", { role: "status", class: "told" });
  const standing = el("ul", { class: "standing" }, flags.map(flagLine));
  const keep = async () => {
    reviewer.keep(name.value.trim());
    const refuse = (error) => {
      told.textContent = `Not kept: ${error.message}`;
    };
    const question = { flag: kind.value, reviewer: reviewer.get(), comment: comment.value };
    const kept = await send(question).catch(refuse);
    if (!kept) return;
    told.textContent = `Kept at ${kept.time} (${kept.flag})`;
    comment.value = "";
    standing.replaceChildren(...kept.flags.map(flagLine));
  };
  return form(
    { class: "flag", "aria-label": "Flag this patch" },
    keep,
    el("h3", {}, "Flag this patch"),
    field("Flag (f)", kind, { class: "field kind" }),
    field("Comment", comment),
    field("Your name", name),
    el("button", { type: "submit" }, "Keep flag"),
    told,
    standing,
  );
}

function flagLine({ reviewer, flag, comment, time }) {
  const words = comment ? `, “${comment}”` : "";
  return el("li", {}, `${reviewer || "unnamed"}: ${flag}${words} (${time})`);
}

/** A button that writes the flags into the run and hands them over as a file; `ask` promises them. */
function exportLine(ask) {
  const told = el("span", { role: "status" });
  const save = async () => {
    const answer = await ask();
    if (!answer) return;
    download(answer.name, answer.text);
    told.textContent = ` ${answer.count} flagged patches written to ${answer.path}`;
  };
  const button = el("button", { type: "button", onclick: save }, "Export flags for joint review");
  return el("p", { class: "export" }, button, told);
}
