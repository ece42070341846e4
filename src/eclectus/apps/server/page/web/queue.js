// Files, one after the other.

import { Problem, transcribe } from "./api.js";
import { clock } from "./dom.js";

const MOST_TRIES = 8;

export class FileQueue {
  #waiting = [];
  #now = null; // {item, stop}
  #choices;
  #limitMb = Infinity;

  /** @param choices called when a file's turn comes: {model, language} */
  constructor(choices) { this.#choices = choices; }

  limit(megabytes) { this.#limitMb = megabytes; }

  add(item) {
    item.set({ state: "waiting", problem: null, progress: null, note: "Waiting for its turn" });
    this.#waiting.push(item);
    this.#next();
  }

  cancel(item) {
    this.#waiting = this.#waiting.filter((one) => one !== item);
    if (this.#now?.item === item) this.#now.stop.abort();
    else item.set({ state: "cancelled", note: "" });
  }

  async #next() {
    if (this.#now || !this.#waiting.length) return;
    const item = this.#waiting.shift();
    this.#now = { item, stop: new AbortController() };
    try {
      await this.#work(item, this.#now.stop.signal);
    } catch (error) {
      if (error.name === "AbortError") item.set({ state: "cancelled", progress: null, note: "" });
      else if (error instanceof Problem) item.set({ state: "failed", problem: error, progress: null, note: "" });
      else {
        const detail = `${error.name}: ${error.message}`;
        item.set({ state: "failed", problem: new Problem(0, "This page has failed.", { detail }), progress: null, note: "" });
        throw error;
      }
    } finally {
      this.#now = null;
      this.#next();
    }
  }

  async #work(item, signal) {
    if (item.file.size > this.#limitMb * 1e6) {
      throw new Problem(413, `The file has ${Math.ceil(item.file.size / 1e6)} MB; this server takes ${this.#limitMb} MB at most.`);
    }
    if (!item.file.size) throw new Problem(400, "The file is empty.");
    for (let tries = 1; ; tries++) {
      try {
        item.take(await this.#send(item, signal));
        return;
      } catch (error) {
        if (!error.passes || tries === MOST_TRIES) throw error;
        await this.#patience(item, error, Math.min(30, (error.retryAfter ?? 1) * tries), signal);
      }
    }
  }

  #send(item, signal) {
    item.set({ state: "sending", progress: 0, note: "Sending" });
    return transcribe(item.file, {
      ...this.#choices(),
      signal,
      onSent: (share) => {
        if (share < 1) item.set({ progress: share, note: `Sending, ${Math.floor(100 * share)} %` });
        else item.set({ state: "working", progress: null, note: "Listening" });
      },
      onDone: (done, total) => item.set({
        state: "working",
        progress: total ? Math.min(1, done / total) : null,
        note: total ? `Listening, ${clock(done)} of ${clock(total)}` : `Listening, ${clock(done)}`,
      }),
    });
  }

  async #patience(item, error, seconds, signal) {
    const until = Date.now() + 1000 * seconds;
    while (Date.now() < until) {
      const left = Math.ceil((until - Date.now()) / 1000);
      item.set({ state: "waiting", progress: null, note: `${error.message} Trying again in ${left} s.` });
      await new Promise((resolve) => { setTimeout(resolve, 250); });
      signal.throwIfAborted();
    }
  }
}
