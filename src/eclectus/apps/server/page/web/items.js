// A recording on the page, a file or the microphone, with all that is known of it.

let last = 0;

export class Item extends EventTarget {
  id = ++last;
  state = "waiting"; // waiting sending working recording finishing done failed cancelled
  words = []; // final ones: {text, start, end, confidence}
  bounds = []; // for each segment, the index of the word after it
  draft = [];
  language = null;
  model = null;
  duration = 0;
  progress = null; // in [0, 1]; null while unknown
  note = "";
  problem = null;
  peaks = null; // Float32Array, evenly over the duration
  url = null; // of what can be played
  playable = true;

  constructor(title, kind, file = null) {
    super();
    this.title = title;
    this.kind = kind;
    this.file = file;
    if (file) this.url = URL.createObjectURL(file);
  }

  get busy() { return ["sending", "working", "recording", "finishing"].includes(this.state); }

  set(values, what = "state") {
    Object.assign(this, values);
    this.dispatchEvent(new CustomEvent("change", { detail: what }));
  }

  addWords(words) {
    this.words.push(...words);
    this.draft = [];
    this.dispatchEvent(new CustomEvent("change", { detail: "words" }));
  }

  endSegment() {
    if ((this.bounds.at(-1) ?? 0) < this.words.length) this.bounds.push(this.words.length);
  }

  forgetWords() {
    this.words = [];
    this.bounds = [];
    this.draft = [];
  }

  /** Take the server's transcript of a file. */
  take({ segments, language, duration, model }) {
    this.forgetWords();
    for (const segment of segments) {
      for (const { text, start, end, confidence } of segment.words) this.words.push({ text, start, end, confidence });
      this.bounds.push(this.words.length);
    }
    this.set({ language, duration, model, problem: null, progress: null, state: "done" }, "words");
  }

  /** The transcript as the server knows it, words that are in no segment yet as the last one. */
  transcript() {
    const ends = this.bounds.at(-1) === this.words.length ? this.bounds : [...this.bounds, this.words.length];
    const segments = [];
    let from = 0;
    for (const to of ends) {
      if (to > from) segments.push({ words: this.words.slice(from, to) });
      from = to;
    }
    const duration = Math.max(this.duration, this.words.at(-1)?.end ?? 0);
    return { segments, duration, language: this.language, model: this.model };
  }

  /** All words, a paragraph a line. */
  text() {
    return paragraphs(this).map(([from, to]) => this.words.slice(from, to).map((word) => word.text).join(" ")).join("\n\n");
  }
}

const LONG_WORDS = 55;
const LONG_PAUSE_S = 2.5;

/** Where paragraphs begin and end, as pairs of word indices: at segments, at long pauses sooner. */
export function paragraphs(item) {
  const found = [];
  let from = 0;
  for (const end of [...item.bounds, item.words.length]) {
    if (end <= from) continue;
    const pause = (item.words[end]?.start ?? Infinity) - item.words[end - 1].end;
    if (end - from >= LONG_WORDS || pause >= LONG_PAUSE_S) {
      found.push([from, end]);
      from = end;
    }
  }
  return found;
}
