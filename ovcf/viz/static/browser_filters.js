// The filters of the browser of patches: the form, and the conditions it stands for.

const TYPING_PAUSE = 120; // ms without a key before the list is asked for
const FILTER_NAMES = {
  network: "Network",
  outcome: "Outcome",
  level: "Level",
  region: "Region (diaphragm)",
  fold: "Fold",
  agreement: "Agreement",
  annotators: "Annotators",
  flagged: "Flags",
  low: "P(fresh) from",
  high: "to",
  patient: "Patient",
  search: "Search (/)",
  sort: "Sort by",
  ascending: "Order",
};
const OUTCOME_CHOICES = [
  ["wrong", "wrong (FN and FP)"],
  ["", "any"],
  ["right", "right (TP and TN)"],
  ...["FN", "FP", "TP", "TN"].map((outcome) => [outcome, `${MARKS[outcome]} ${OUTCOMES[outcome]}`]),
];
const ANNOTATOR_CHOICES = ["any", "disagree", "agree"].map((choice) => [choice, choice]);
const FLAG_CHOICES = [
  ["", "any"],
  ["yes", "flagged"],
];
const ORDER_CHOICES = [
  ["no", "largest first"],
  ["yes", "smallest first"],
];
/**
 * The form of filters. `search` is called when the user has changed a condition.
 *
 * Returns the form and `conditions` as the kernel takes them.
 */
function filterForm(options, search) {
  const controls = { ...menus(options), ...typedFields() };
  const set = (values) => {
    for (const [name, value] of Object.entries(values)) controls[name].value = value;
  };
  const fields = Object.entries(FILTER_NAMES).map(([name, text]) => field(text, controls[name], { "data-name": name }));
  const clear = () => {
    node.reset();
    set({ network: options.network, outcome: "wrong" });
    searchNow();
  };
  const attributes = { class: "filters", "aria-label": "Filters", onsubmit: (event) => event.preventDefault() };
  const clearButton = el("button", { type: "button", onclick: clear }, "Clear filters");
  const node = el("form", attributes, fields, clearButton);
  let pause;
  const searchNow = () => {
    clearTimeout(pause);
    search();
  };
  node.addEventListener("change", searchNow);
  node.addEventListener("input", (event) => {
    if (!event.target.matches("input")) return;
    clearTimeout(pause);
    pause = setTimeout(search, TYPING_PAUSE);
  });
  return {
    node,
    conditions: () => conditionsOf(controls),
    focusSearch: () => controls.search.focus(),
  };
}

/** Drop-downs, by the name of the condition each stands for. */
function menus(options) {
  const orAny = (values) => [["", "any"], ...values.map((value) => [value, value])];
  const agreements = options.agreements.map((value) => [value, value === "any" ? "any" : `networks: ${value}`]);
  const noAnnotators = options.annotators
    ? {}
    : { disabled: true, title: "This cohort holds no labels of two annotators" };
  return {
    network: dropdown(options.networks, options.network),
    outcome: dropdown(OUTCOME_CHOICES, "wrong"),
    level: dropdown(orAny(options.levels), ""),
    region: dropdown(orAny(options.regions), ""),
    fold: dropdown(orAny(options.folds.map(String)), ""),
    agreement: dropdown(agreements, "any"),
    annotators: dropdown(ANNOTATOR_CHOICES, "any", noAnnotators),
    flagged: dropdown(FLAG_CHOICES, ""),
    sort: dropdown(options.orders, "loss"),
    ascending: dropdown(ORDER_CHOICES, "no"),
  };
}

function typedFields() {
  const probability = (value) => el("input", { type: "number", min: 0, max: 1, step: 0.05, value });
  return {
    low: probability(0),
    high: probability(1),
    patient: el("input", { type: "text", size: 8, autocomplete: "off" }),
    search: el("input", { type: "search", size: 12, autocomplete: "off", "aria-keyshortcuts": "/" }),
  };
}

function conditionsOf(controls) {
  const values = Object.fromEntries(Object.entries(controls).map(([name, control]) => [name, control.value]));
  return {
    ...values,
    low: Number(values.low || 0),
    high: Number(values.high || 1),
    patient: values.patient.trim(),
    ascending: values.ascending === "yes",
  };
}
