// What an annotator said and the kernel has not yet confirmed: kept in the web browser too, sent again until it is.

const TRY_AGAIN = 3000; // ms
const newName = () => Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class KeepQueue {
  /**
   * @param place     under which the web browser keeps what waits
   * @param acts.kept called with an event and the kernel's answer to it
   * @param acts.wait called with words on why something waits, "" where nothing does
   */
  constructor(link, place, acts) {
    Object.assign(this, { link, place, acts });
    this.waiting = this.remembered();
    this.idle = Promise.resolve();
    this.running = false;
    this.closed = false;
  }

  /** Events in their order; each has a name of its own, so that one sent twice counts once. */
  push(event) {
    this.waiting.push({ ...event, uid: newName() });
    this.remember();
    this.run();
  }

  run() {
    if (!this.running && this.waiting.length) this.idle = this.send();
    return this.idle;
  }

  async send() {
    this.running = true;
    while (this.waiting.length && !this.closed) {
      const event = this.waiting[0];
      try {
        const answer = await this.link.ask("keep", event, { seconds: 8 });
        this.waiting.shift();
        this.remember();
        this.acts.wait("");
        this.acts.kept(event, answer);
      } catch (error) {
        this.acts.wait(`Not kept yet (${error.message}). It is tried again until it is; do not close this page.`);
        await pause(TRY_AGAIN);
      }
    }
    this.running = false;
  }

  remembered() {
    try {
      const kept = JSON.parse(localStorage.getItem(this.place) ?? "[]");
      return Array.isArray(kept) ? kept : [];
    } catch {
      return []; // a private window has no memory
    }
  }

  remember() {
    try {
      if (this.waiting.length) localStorage.setItem(this.place, JSON.stringify(this.waiting));
      else localStorage.removeItem(this.place);
    } catch {
      // as above
    }
  }
}
