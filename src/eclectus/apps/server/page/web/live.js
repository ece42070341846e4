// A recording that is transcribed as it is made.
// All audio is kept here, so nothing is lost when the connection is: the next one goes on where
// the last final word ended.

import { key, problemOf, unreachable } from "./api.js";
import { Microphone } from "./microphone.js";
import { wav } from "./files.js";

const PIECE_S = 0.1;
const AHEAD_BYTES = 1 << 20;
const PATIENCE_MS = [500, 1000, 2000, 4000, 8000, 8000, 8000];

export class LiveSession {
  #item;
  #choices;
  #microphone = new Microphone();
  #pieces = [];
  #rate = 0;
  #next = 0; // the first piece that has not been sent on this connection
  #offset = 0; // seconds of the recording before this connection
  #socket = null;
  #ready = false;
  #finishing = false; // the microphone is closed
  #finished = false; // the server knows
  #failures = 0;
  #pumping = 0;
  #retrying = 0;
  #over;

  /** When it has ended, well or not. */
  done = new Promise((resolve) => { this.#over = resolve; });

  constructor(item, choices) {
    this.#item = item;
    this.#choices = choices;
    item.livePeaks = [];
  }

  async start() {
    await this.#microphone.open({
      onPiece: (piece, peaks) => this.#heard(piece, peaks),
      onLost: () => this.stop(),
    });
    this.#rate = this.#microphone.sampleRate;
    this.#item.set({ state: "recording", problem: null });
    this.#connect();
  }

  /** End the recording; its last words follow. */
  async stop() {
    if (this.#finishing) return;
    await this.#microphone.close();
    this.#finishing = true;
    this.#item.peaks = Float32Array.from(this.#item.livePeaks);
    this.#item.url = URL.createObjectURL(wav(this.#pieces, this.#rate));
    this.#item.duration = this.#seconds;
    if (this.#item.state === "recording") this.#item.set({ state: "finishing", note: "Writing the last words", progress: null });
    this.#item.set({}, "sound");
    this.#pump();
  }

  /** Stop waiting for words; those that have come stay. */
  async cancel() {
    await this.stop();
    this.#end("done");
  }

  /** Go on after a failure. */
  again() {
    this.#failures = 0;
    this.done = new Promise((resolve) => { this.#over = resolve; });
    this.#item.set({ state: this.#finishing ? "finishing" : "recording", problem: null, note: "Connecting" });
    this.#connect();
  }

  get #seconds() {
    const samples = this.#pieces.reduce((sum, piece) => sum + piece.length, 0);
    return samples / (this.#rate || 1);
  }

  #heard(piece, peaks) {
    this.#pieces.push(piece);
    this.#item.livePeaks.push(...peaks);
    this.#item.set({ duration: this.#item.duration + piece.length / (this.#rate || this.#microphone.sampleRate) }, "peaks");
    this.#pump();
  }

  #connect() {
    clearTimeout(this.#retrying);
    const said = this.#item.words.at(-1)?.end ?? 0;
    this.#next = Math.min(this.#pieces.length, Math.ceil(said / PIECE_S));
    this.#offset = this.#next * PIECE_S;
    this.#ready = this.#finished = false;
    const socket = new WebSocket(new URL("/web/live", location.href.replace(/^http/, "ws")));
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.onopen = () => socket.send(JSON.stringify({
      type: "start", sample_rate: Math.round(this.#rate), format: "s16", key: key.get() || null, ...this.#choices,
    }));
    socket.onmessage = ({ data }) => { if (socket === this.#socket) this.#told(JSON.parse(data)); };
    socket.onclose = () => { if (socket === this.#socket) this.#lost(unreachable()); };
  }

  #pump() {
    clearTimeout(this.#pumping);
    if (!this.#ready || this.#finished || this.#socket.readyState !== WebSocket.OPEN) return;
    while (this.#next < this.#pieces.length && this.#socket.bufferedAmount < AHEAD_BYTES) {
      this.#socket.send(this.#pieces[this.#next++]);
    }
    if (this.#next < this.#pieces.length) this.#pumping = setTimeout(() => this.#pump(), 50);
    else if (this.#finishing) {
      this.#finished = true;
      this.#socket.send(JSON.stringify({ type: "finish" }));
    }
  }

  #told(event) {
    const item = this.#item;
    switch (event.type) {
      case "ready":
        this.#ready = true;
        this.#failures = 0;
        item.set({ model: event.model, note: this.#finishing ? "Writing the last words" : "" });
        this.#pump();
        break;
      case "partial": item.set({ draft: this.#moved(event.words) }, "words"); break;
      case "final": item.addWords(this.#moved(event.words)); break;
      case "segment":
        item.endSegment();
        item.set({ heard: event.text }, "segment");
        break;
      case "language": item.set({ language: event.language }, "language"); break;
      case "ended": this.#end("done"); break;
      case "error": {
        const problem = problemOf(event.status, event.message, { retryAfter: event.retry_after_s });
        if (problem.passes) this.#lost(problem);
        else this.#fail(problem);
        break;
      }
      default: // a newer server may tell more
    }
  }

  #moved(words) {
    return words.map((word) => ({ ...word, start: word.start + this.#offset, end: word.end + this.#offset }));
  }

  #lost(problem) {
    this.#drop();
    this.#item.endSegment();
    const wait = PATIENCE_MS[this.#failures++];
    if (wait === undefined) return void this.#fail(problem);
    const note = problem.status ? problem.message : "The connection is lost. Trying again; nothing you say is lost.";
    this.#item.set({ draft: [], note }, "state");
    this.#retrying = setTimeout(() => this.#connect(), Math.max(wait, 1000 * (problem.retryAfter ?? 0)));
  }

  async #fail(problem) {
    this.#drop();
    this.#item.endSegment();
    this.#item.set({ state: "failed", draft: [], problem, note: "" });
    await this.stop();
    this.#over();
  }

  #end(state) {
    this.#drop();
    this.#item.endSegment();
    this.#item.set({ state, draft: [], note: "", problem: null });
    this.#over();
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    this.#ready = false;
    clearTimeout(this.#pumping);
    clearTimeout(this.#retrying);
    socket?.close();
  }
}

