// The words on the page. Long transcripts are written a few hundred words a frame, and the browser
// leaves paragraphs out of sight alone (content-visibility), so ten thousand words stay smooth.

import { paragraphs } from "./items.js";
import { $, calm, clock, element } from "./dom.js";

const WORDS_A_FRAME = 400;
const SHADES = [0.9, 0.75, 0.6, 0.4];

/** 0 for sure to 4 for unsure. */
export function shade(confidence) {
  const found = SHADES.findIndex((least) => confidence >= least);
  return found < 0 ? SHADES.length : found;
}

export class TranscriptView {
  #place = $("transcript");
  #item = null;
  #spans = [];
  #written = []; // the paragraphs on the page: {node, from, to}
  #draft = element("span", { className: "draft" });
  #now = -1;
  #focus = 0;
  #frame = 0;
  #scrolled = 0;

  constructor({ onWord }) {
    this.#place.addEventListener("click", (event) => {
      const index = this.#indexAt(event.target);
      if (index !== null && !String(getSelection())) this.#chosen(index, onWord);
    });
    this.#place.addEventListener("keydown", (event) => this.#key(event, onWord));
    for (const kind of ["wheel", "touchmove"]) {
      addEventListener(kind, () => { this.#scrolled = performance.now(); }, { passive: true });
    }
  }

  show(item) {
    cancelAnimationFrame(this.#frame);
    this.#item = item;
    this.#spans = [];
    this.#written = [];
    this.#now = -1;
    this.#focus = 0;
    this.#place.replaceChildren();
    this.#place.lang = item.language ?? "";
    this.update();
  }

  /** Write what is new. */
  update() {
    const item = this.#item;
    this.#place.classList.toggle("recording", item.state === "recording" || item.state === "finishing");
    if (item.words.length < this.#spans.length) return void this.show(item);
    cancelAnimationFrame(this.#frame);
    this.#write();
  }

  language(code) { this.#place.lang = code ?? ""; }

  #write() {
    const item = this.#item;
    const spans = paragraphs(item);
    let left = WORDS_A_FRAME;
    for (let at = Math.max(0, this.#written.length - 1); at < spans.length && left > 0; at++) {
      left -= this.#extend(at, spans[at], left);
    }
    if (this.#spans.length < item.words.length) {
      this.#frame = requestAnimationFrame(() => this.#write());
      return;
    }
    this.#writeDraft();
  }

  #extend(at, [first, to], most) {
    let paragraph = this.#written[at];
    const item = this.#item;
    // A live segment can end before its newest words: those stay in the paragraph they are in.
    const from = Math.max(first, this.#spans.length);
    if (!paragraph) {
      if (from >= to) return 0;
      const start = item.words[from].start;
      const time = element("button", { type: "button", className: "time", textContent: clock(start) });
      time.dataset.i = from;
      time.setAttribute("aria-label", `Play from ${clock(start)}`);
      paragraph = { node: element("p", {}, time), to: from };
      this.#written.push(paragraph);
      this.#place.append(paragraph.node);
    }
    const stop = Math.min(to, paragraph.to + most);
    const fresh = document.createDocumentFragment();
    for (let index = paragraph.to; index < stop; index++) fresh.append(this.#span(index), " ");
    const count = Math.max(0, stop - paragraph.to);
    paragraph.node.append(fresh);
    paragraph.to += count;
    return count;
  }

  #span(index) {
    const word = this.#item.words[index];
    const level = shade(word.confidence);
    const span = element("span", { className: level ? `w c${level}` : "w", textContent: word.text });
    span.dataset.i = index;
    span.title = `${clock(word.start)} · ${Math.round(100 * word.confidence)} % sure`;
    if (index === this.#focus) span.tabIndex = 0;
    this.#spans.push(span);
    return span;
  }

  #writeDraft() {
    const item = this.#item;
    const live = item.state === "recording" || item.state === "finishing";
    this.#draft.remove();
    this.#place.querySelector(".listening")?.remove();
    if (!live) return;
    const words = item.draft.map((word) => word.text).join(" ");
    this.#draft.textContent = words;
    this.#draft.classList.toggle("caret", item.state === "recording");
    if (item.words.length || words) (this.#written.at(-1)?.node ?? this.#first()).append(this.#draft);
    else this.#place.append(element("p", { className: "listening caret", textContent: item.state === "recording" ? "Listening" : "" }));
    this.#follow();
  }

  #first() {
    const node = element("p");
    this.#place.append(node);
    node.classList.add("listening");
    return node;
  }

  /** Keep the newest words in sight, unless the reader has gone elsewhere. */
  #follow() {
    const gap = document.documentElement.scrollHeight - innerHeight - scrollY;
    if (gap < 260 && performance.now() - this.#scrolled > 1500) scrollTo({ top: document.documentElement.scrollHeight });
  }

  /** Mark the word that is heard at a time; null for none. */
  mark(seconds, { follow = false } = {}) {
    const index = seconds === null ? -1 : wordAt(this.#item.words, seconds);
    if (index === this.#now) return;
    this.#spans[this.#now]?.classList.remove("now");
    this.#now = index;
    const span = this.#spans[index];
    if (!span) return;
    span.classList.add("now");
    if (!follow || performance.now() - this.#scrolled < 4000) return;
    const { top, bottom } = span.getBoundingClientRect();
    if (top < 90 || bottom > innerHeight - 150) {
      span.scrollIntoView({ block: "center", behavior: calm() ? "auto" : "smooth" });
    }
  }

  #indexAt(target) {
    const found = target.closest?.("[data-i]");
    return found ? Number(found.dataset.i) : null;
  }

  #chosen(index, onWord) {
    this.#rove(index, false);
    onWord(this.#item.words[index]);
  }

  #rove(index, focus) {
    if (!this.#spans[index]) return;
    this.#spans[this.#focus]?.removeAttribute("tabindex");
    this.#focus = index;
    this.#spans[index].tabIndex = 0;
    if (focus) this.#spans[index].focus();
  }

  #key(event, onWord) {
    const index = event.target.classList?.contains("w") ? this.#indexAt(event.target) : null;
    if (index === null || event.altKey || event.ctrlKey || event.metaKey) return;
    const steps = { ArrowRight: 1, ArrowLeft: -1 };
    if (event.key in steps) this.#rove(index + steps[event.key], true);
    else if (event.key === "ArrowDown") this.#rove(this.#paragraph(index, 1), true);
    else if (event.key === "ArrowUp") this.#rove(this.#paragraph(index, -1), true);
    else if (event.key === "Home") this.#rove(0, true);
    else if (event.key === "End") this.#rove(this.#spans.length - 1, true);
    else if (event.key === "Enter") onWord(this.#item.words[index]);
    else return;
    event.preventDefault();
  }

  #paragraph(index, step) {
    const starts = [...this.#place.querySelectorAll(".time")].map((time) => Number(time.dataset.i));
    const at = starts.findLastIndex((start) => start <= index);
    return starts[Math.min(starts.length - 1, Math.max(0, at + step))] ?? 0;
  }
}

/** The index of the word that is heard at a time, the one before it in a short pause; -1 for none. */
export function wordAt(words, seconds) {
  let low = 0;
  let high = words.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (words[middle].start <= seconds) low = middle + 1;
    else high = middle;
  }
  const index = low - 1;
  return index >= 0 && seconds < words[index].end + 0.6 ? index : -1;
}
