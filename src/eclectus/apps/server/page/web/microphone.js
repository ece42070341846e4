// The microphone as pieces of 16-bit samples.

import { Problem } from "./api.js";

const PREFERRED_HZ = 16000;

const REASONS = {
  NotAllowedError: "The microphone is blocked. Allow it for this page, in the address bar or the browser’s settings, then try again.",
  SecurityError: "The microphone is blocked. Allow it for this page, in the address bar or the browser’s settings, then try again.",
  NotFoundError: "There is no microphone. Connect one, then try again.",
  OverconstrainedError: "There is no microphone that fits. Connect another, then try again.",
  NotReadableError: "Another program holds the microphone. Close it, then try again.",
};

export class Microphone {
  #stream = null;
  #context = null;
  #node = null;
  #onPiece = null;
  #ended = null;
  #awake = null;

  get sampleRate() { return this.#context.sampleRate; }

  /** Open it; `onPiece(Int16Array, peaks)` is called ten times a second from then on. */
  async open({ onPiece, onLost }) {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new Problem(0, "Browsers open the microphone only on https:// or localhost. Ask whoever runs this server for such an address, or drop a file.");
    }
    this.#onPiece = onPiece;
    try {
      const audio = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
      this.#stream = await navigator.mediaDevices.getUserMedia({ audio });
      await this.#connect();
    } catch (error) {
      this.#release();
      throw new Problem(0, REASONS[error.name] ?? `The microphone can’t be opened: ${error.message}`);
    }
    this.#stream.getAudioTracks()[0].addEventListener("ended", onLost);
    this.#stayAwake();
  }

  async #connect() {
    // Some browsers can't connect a microphone to a context of another rate: then theirs is taken.
    try {
      await this.#build(new AudioContext({ sampleRate: PREFERRED_HZ }));
    } catch {
      await this.#context?.close();
      await this.#build(new AudioContext());
    }
  }

  async #build(context) {
    this.#context = context;
    await context.audioWorklet.addModule("/web/files/capture.js");
    const source = context.createMediaStreamSource(this.#stream);
    this.#node = new AudioWorkletNode(context, "capture", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
    this.#node.port.onmessage = ({ data }) => {
      if (data.end) this.#ended?.();
      else if (data.piece.length) this.#onPiece(data.piece, data.peaks);
    };
    source.connect(this.#node);
    await context.resume();
  }

  /** Close it; what it still held has been handed over when this is done. */
  async close() {
    if (!this.#node) return;
    await new Promise((resolve) => {
      this.#ended = resolve;
      this.#node.port.postMessage("end");
      setTimeout(resolve, 500); // a context that the system has suspended does not answer
    });
    this.#release();
  }

  #release() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#context?.close();
    this.#awake?.release();
    this.#stream = this.#context = this.#node = this.#awake = null;
  }

  /** Phones would switch off, and the microphone with them. */
  async #stayAwake() {
    try {
      this.#awake = await navigator.wakeLock?.request("screen");
    } catch {
      this.#awake = null;
    }
  }
}
