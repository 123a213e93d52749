// The reading room: one case at a time, by keyboard alone. The next case shows only after the kernel has said that
// the last answer is on the disk.

const CONFIDENCE = ["guess", "unsure", "likely", "fairly sure", "certain"];
const SESSIONS = { training: "Training case", unaided: "Case", aided: "Case with the model" };

function render({ model, el: host }) {
  const page = root("room", "Reading room");
  host.append(page);
  const gone = el("p", { class: "notice", role: "alert", hidden: true }, "The program behind this page does not answer. Every answer up to the last “kept” is saved. Reload the page and enter the same name: it goes on with the case you have open.");
  const link = questions(model, gone);
  const shots = pictures();
  const body = el("div", { class: "body" });
  const kept = el("p", { role: "status", class: "kept", "aria-live": "polite" });
  page.append(el("header", {}, el("h2", {}, "Reading room"), el("span", { class: "research" }, "Research use only")), gone, body, kept);

  let screen = "start", current = null, answer = "", confidence = 0, viewer = null, busy = false;
  // The clock runs while the case can be seen: not while it is paused.
  let ran = 0, since = 0;
  const seconds = () => (ran + (since ? performance.now() - since : 0)) / 1000;
  const stopClock = () => { if (since) ran += performance.now() - since; since = 0; };

  link.ask("hello").then(start).catch((error) => { body.replaceChildren(el("p", { role: "alert", class: "problem" }, error.message)); });

  function start(hello) {
    screen = "start";
    page.dataset.screen = screen;
    const name = el("input", { type: "text", maxlength: 40, value: hello.current ?? "", autocomplete: "off", required: true });
    const problem = el("p", { role: "alert", class: "problem" });
    body.replaceChildren(
      el("p", {}, hello.label),
      el("p", {}, "You will see one vertebra at a time, without name, level or film. Say whether its fracture is fresh or old, and how sure you are. You may stop at any time and go on another day with the same name."),
      form({ class: "start" }, async () => {
        if (busy) return;
        busy = true;
        const next = await link.ask("start", { reader: name.value }, { seconds: 60 }).catch((error) => { problem.textContent = error.message; });
        busy = false;
        if (next) show(next);
      }, field("Your name or pseudonym", name), el("button", { type: "submit", class: "primary" }, "Start or go on (Enter)")), problem,
      el("p", { class: "quiet" }, "Keys: ", ...keysHelp()));
    name.focus();
  }
  const keysHelp = () => [["F", "fresh"], ["O", "old"], ["1–5", "confidence"], ["Enter", "confirm"], ["P", "pause"], ["+ − 0", "zoom"]].flatMap(([k, what]) => [el("kbd", {}, k), ` ${what}  `]);

  async function show(next) {
    stopClock();
    ran = 0;
    current = next;
    screen = next.screen;
    answer = "";
    confidence = 0;
    if (screen === "washout") sayWashout(next);
    else if (screen === "finished") say("All cases are read", `Thank you. Your answers are in ${next.path}.`);
    else if (screen === "case") await showCase(next);
    else start({});
    page.dataset.screen = screen;
    page.dataset.case = screen === "case" ? `${next.session} ${next.order}` : "";
  }
  function say(title, ...lines) {
    body.replaceChildren(el("h3", { tabindex: -1 }, title), ...lines.map((line) => el("p", {}, line)));
    body.querySelector("h3").focus();
  }
  function sayWashout(next) {
    const until = new Date(next.until);
    say("The first session is complete", `The second session, with the model's answer beside each case, opens on ${until.toLocaleDateString()} at ${until.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}.`, "Come back with the same name. Your first answers stay hidden until then and during it.");
  }

  async function showCase(next) {
    shots.clear();
    const grey = await decodeGrey(next.buffers[0]);
    viewer?.close();
    viewer = new FilmViewer({ label: `${SESSIONS[next.session]} ${next.order} of ${next.of}: radiograph of one vertebra`, height: "min(56vh, 448px)" });
    const choice = (value, key) => el("button", { type: "button", class: "choice", "aria-pressed": "false", "data-answer": value, "aria-keyshortcuts": key, onclick: () => pick(value) }, `${value === "fresh" ? "▲ Fresh" : "● Old"} `, el("kbd", {}, key));
    const sure = CONFIDENCE.map((text, i) => el("button", { type: "button", role: "radio", "aria-checked": "false", "aria-pressed": "false", "data-confidence": i + 1, "aria-label": `${i + 1} ${text}`, onclick: () => rate(i + 1) }, el("b", {}, i + 1), el("small", {}, text)));
    const confirm = el("button", { type: "button", class: "primary confirm", disabled: true, onclick: keep }, "Confirm and next (Enter)");
    const left = next.of - next.order + 1;
    body.replaceChildren(
      el("div", { class: "progressline" }, el("h3", { tabindex: -1 }, `${SESSIONS[next.session]} ${next.order} of ${next.of}`), el("progress", { max: next.of, value: next.order - 1, "aria-label": `${next.order - 1} of ${next.of} read` }), el("span", { class: "quiet" }, `${next.reader}; ${left} to go`), el("button", { type: "button", class: "pause", onclick: pause, "aria-keyshortcuts": "P" }, "Pause (P)")),
      el("div", { class: "caseview" }, viewer.node, el("div", { class: "answer" }, aid(next),
        el("div", { class: "choices", role: "group", "aria-label": "Is the fracture fresh or old?" }, choice("fresh", "F"), choice("old", "O")),
        el("div", { class: "sure", role: "radiogroup", "aria-label": "How sure are you?" }, el("span", {}, "How sure?"), sure), confirm, el("p", { class: "quiet keyline" }, ...keysHelp()))));
    viewer.show(grey);
    body.querySelector("h3").focus({ preventScroll: true });
    since = performance.now();
  }

  function aid(next) {
    if (next.session !== "aided") return null;
    const box = el("div", { class: "aid" }, el("p", {}, el("b", {}, `The model says ${next.says}: P(fresh) ${percent(next.p_fresh)}`)), el("p", { class: "quiet" }, next.by));
    if (next.buffers.length > 2) box.append(mapOverPatch(shots.url(next.buffers[2]), shots.url(next.buffers[1]), next.map_note));
    else box.append(el("p", { class: "quiet" }, next.map_note));
    return box;
  }

  function pick(value) {
    answer = value;
    for (const b of body.querySelectorAll(".choice")) b.setAttribute("aria-pressed", String(b.dataset.answer === value));
    ready();
  }
  function rate(value) {
    confidence = value;
    for (const b of body.querySelectorAll("[data-confidence]")) {
      b.setAttribute("aria-checked", String(Number(b.dataset.confidence) === value));
      b.setAttribute("aria-pressed", String(Number(b.dataset.confidence) === value));
    }
    ready();
  }
  const ready = () => { body.querySelector(".confirm").disabled = !(answer && confidence) || busy; };

  async function keep() {
    if (busy || !answer || !confidence || screen !== "case") return;
    busy = true;
    ready();
    const took = seconds();
    const { session, order, of } = current;
    const next = await link.ask("answer", { session, order, answer, confidence, seconds: took }, { seconds: 8 }).catch((error) => { kept.textContent = `Not kept: ${error.message}`; });
    busy = false;
    if (!next) return resume();
    kept.textContent = next.kept === false ? "This case was already answered elsewhere; the first answer stands." : `Kept: ${session === "training" ? "training case" : "case"} ${order} of ${of}.`;
    if (next.feedback) return feedback(next, answer);
    show(next);
  }
  /** After a refused answer: show the case that is open, which may be another (two windows, a restart). */
  async function resume() {
    const next = await link.ask("case").catch(() => null);
    if (next && next.screen !== "start" && `${next.session} ${next.order}` !== page.dataset.case) show(next);
    else if (body.querySelector(".confirm")) ready();
  }
  function feedback(next, said) {
    stopClock();
    screen = "feedback";
    page.dataset.screen = screen;
    const go = el("button", { type: "button", class: "primary", onclick: () => show(next) }, "Next (Enter)");
    body.replaceChildren(el("h3", {}, said === next.feedback.truth ? "Right" : "Not right"), el("p", {}, `MRI says ${next.feedback.truth}; you said ${said}. Training answers are not counted.`), go);
    go.focus();
  }

  function pause() {
    if (screen !== "case") return;
    stopClock();
    screen = "paused";
    page.dataset.screen = screen;
    const view = body.querySelector(".caseview");
    view.hidden = true; // the clock stands still, so the case may not be looked at
    const on = el("button", { type: "button", class: "primary" }, "Go on (Enter)");
    const note = el("div", { class: "pausenote" }, el("p", {}, "Paused. The clock stands still. You may close this page and come back on another day."), on);
    on.addEventListener("click", () => { note.remove(); view.hidden = false; screen = "case"; page.dataset.screen = screen; since = performance.now(); body.querySelector("h3").focus(); });
    body.append(note);
    on.focus();
  }
  const hidden = () => { if (document.hidden) pause(); };
  document.addEventListener("visibilitychange", hidden);

  page.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || screen !== "case") return;
    const key = event.key.toLowerCase();
    const onButton = event.target.closest("button:not(.choice):not([data-confidence])");
    if (key === "f") pick("fresh");
    else if (key === "o") pick("old");
    else if ("12345".includes(key) && key.length === 1) rate(Number(key));
    else if (key === "p") pause();
    else if (key === "enter" && !onButton) keep();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return () => { document.removeEventListener("visibilitychange", hidden); link.close(); shots.clear(); viewer?.close(); };
}
export default { render };
