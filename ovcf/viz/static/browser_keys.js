// The keys of the browser of patches.

const BROWSER_KEYS = [
  ["arrows", "move"],
  ["Enter", "open"],
  ["Esc", "back"],
  ["space", "choose"],
  ["f", "flag form"],
  ["m", "map"],
  ["v", "zoom to vertebra"],
  ["h", "heights"],
  ["/", "search"],
  ["PgUp PgDn", "page"],
];

/** The key of each flag: its number in the list, 0 takes back. */
function flagKeys({ flags, taken_back }) {
  return flags.map((flag, i) => [flag === taken_back ? "0" : String(i + 1), flag]);
}

/** What a key does now, or nothing. Someone who types or moves a slider means the letter or the arrow itself. */
function browserAct(browser, { key, target }) {
  const inDetail = !browser.detail.node.hidden;
  if (key === "Escape" && inDetail) return () => browser.back();
  if (isTyping(target) || target.type === "range") return null;
  const flag = flagKeys(browser.options).find(([number]) => number === key)?.[1];
  if (flag && (inDetail || target.closest(".tiles"))) return () => browser.flagBy(flag);
  return inDetail ? actInDetail(browser, key) : actInList(browser, key, target);
}

function actInList(browser, key, target) {
  const { list } = browser;
  if (key === "/") return () => browser.filters.focusSearch();
  if (key === "PageDown" && !list.following.disabled) return () => browser.turn(1);
  if (key === "PageUp" && !list.previous.disabled) return () => browser.turn(-1);
  if (!target.closest(".tiles")) return null;
  if (key === "f") return () => browser.openToFlag();
  if (key === " ") return () => list.choose(list.selected);
  const place = list.placeAfter(key);
  return place === undefined ? null : () => list.focus(place);
}

function actInDetail(browser, key) {
  const acts = {
    ArrowRight: () => browser.open(browser.position + 1),
    ArrowLeft: () => browser.open(browser.position - 1),
    f: () => browser.focusFlag(),
    m: () => browser.toggleMap(),
    v: () => browser.detail.viewer.zoomToBox(),
    h: () => browser.measureHeights(),
    "/": () => browser.backToSearch(),
  };
  return acts[key];
}
