// What is counted while a case is in sight: seconds, changes of zoom and of window, losses of focus, pauses.

const ONE_GESTURE = 800; // ms; changes that follow each other faster are one

class CaseCounts {
  /** Go on from what a draft of this case holds, if any. */
  constructor(draft = {}) {
    const from = (name) => Number(draft[name]) || 0;
    this.zooms = from("zooms");
    this.windows = from("windows");
    this.losses_of_focus = from("losses_of_focus");
    this.pauses = from("pauses");
    this.clock = stopwatch(from("seconds"));
    this.away = stopwatch(from("away_seconds"));
    this.paused = stopwatch(from("paused_seconds"));
    this.last = { zooms: 0, windows: 0 };
  }

  /** Count a viewer's changes; a drag or a turn of the wheel is one change however many steps it has. */
  watch(viewer) {
    const counted = { zooms: ["zoomBy", "fit", "zoomToBox"], windows: ["setWindow", "setInvert", "usePreset", "reset"] };
    for (const [name, methods] of Object.entries(counted)) {
      for (const method of methods.filter((m) => viewer[m])) {
        const act = viewer[method].bind(viewer);
        viewer[method] = (...values) => {
          this.count(name);
          return act(...values);
        };
      }
    }
  }

  count(name) {
    const now = performance.now();
    if (now - this.last[name] > ONE_GESTURE) this[name]++;
    this.last[name] = now;
  }

  leave() {
    if (this.away.isRunning()) return;
    this.losses_of_focus++;
    this.away.start();
  }

  comeBack() {
    this.away.stop();
  }

  pause() {
    this.clock.stop();
    this.pauses++;
    this.paused.start();
  }

  goOn() {
    this.paused.stop();
    this.away.stop();
    this.clock.start();
  }

  /** All of it, as the kernel keeps it. */
  values() {
    const { zooms, windows, losses_of_focus, pauses } = this;
    const seconds = this.clock.seconds();
    const times = { seconds, away_seconds: this.away.seconds(), paused_seconds: this.paused.seconds() };
    return { zooms, windows, losses_of_focus, pauses, ...times };
  }
}

/** Seconds that something went on, after those it went on before. */
function stopwatch(before) {
  let ran = before * 1000;
  let since = 0; // 0 while it stands still
  const now = () => ran + (since ? performance.now() - since : 0);
  return {
    seconds: () => now() / 1000,
    isRunning: () => since > 0,
    start: () => {
      since ||= performance.now();
    },
    stop: () => {
      ran = now();
      since = 0;
    },
  };
}
