// Runs in the audio thread: gathers a tenth of a second of 16-bit samples at a time.

const PIECE_S = 0.1;
const PEAK_S = 0.05;

class Capture extends AudioWorkletProcessor {
  #piece = new Int16Array(Math.round(sampleRate * PIECE_S));
  #filled = 0;
  #on = true;

  constructor() {
    super();
    this.port.onmessage = () => {
      this.#on = false;
      this.#send(this.#piece.slice(0, this.#filled));
      this.port.postMessage({ end: true });
    };
  }

  process([input]) {
    const [samples] = input;
    if (samples && this.#on) {
      for (const sample of samples) {
        this.#piece[this.#filled++] = Math.round(Math.max(-1, Math.min(1, sample)) * 32767);
        if (this.#filled === this.#piece.length) {
          this.#send(this.#piece.slice());
          this.#filled = 0;
        }
      }
    }
    return this.#on;
  }

  #send(piece) {
    const peaks = [];
    const size = Math.round(sampleRate * PEAK_S);
    for (let from = 0; from < piece.length; from += size) {
      let most = 0;
      for (const sample of piece.subarray(from, from + size)) most = Math.max(most, Math.abs(sample));
      peaks.push(most / 32767);
    }
    this.port.postMessage({ piece, peaks }, [piece.buffer]);
  }
}

registerProcessor("capture", Capture);
