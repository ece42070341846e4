// The picture of the sound, which is also the slider of the player.

import { $, clock, spoken } from "./dom.js";

const BAR = 3; // CSS pixels a bar, its gap included
const STEP_S = 5;

export class Waveform {
  #place = $("wave");
  #canvas = $("canvas");
  #item = null;
  #at = 0;
  #drawn = 0;

  constructor({ onSeek }) {
    new ResizeObserver(() => this.draw()).observe(this.#place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    const seek = (event) => {
      const { left, width } = this.#place.getBoundingClientRect();
      onSeek(Math.min(1, Math.max(0, (event.clientX - left) / width)) * this.#length);
    };
    this.#place.addEventListener("pointerdown", (event) => {
      if (!this.#usable) return;
      this.#place.setPointerCapture(event.pointerId);
      seek(event);
    });
    this.#place.addEventListener("pointermove", (event) => {
      if (this.#usable && this.#place.hasPointerCapture(event.pointerId)) seek(event);
    });
    this.#place.addEventListener("keydown", (event) => {
      const steps = { ArrowRight: STEP_S, ArrowUp: STEP_S, ArrowLeft: -STEP_S, ArrowDown: -STEP_S, PageUp: 6 * STEP_S, PageDown: -6 * STEP_S, Home: -Infinity, End: Infinity };
      if (!(event.key in steps) || !this.#usable) return;
      event.preventDefault();
      onSeek(Math.min(this.#length, Math.max(0, this.#at + steps[event.key])));
    });
  }

  get #length() { return this.#item?.duration || 0; }
  get #live() { return this.#item?.state === "recording"; }
  get #usable() { return this.#length > 0 && !this.#live && this.#item.url !== null && this.#item.playable; }

  show(item) {
    this.#item = item;
    this.move(0);
  }

  /** Set the position, in seconds. */
  move(seconds) {
    this.#at = seconds;
    const shown = this.#live ? this.#length : seconds;
    this.#place.setAttribute("aria-valuemax", Math.round(this.#length));
    this.#place.setAttribute("aria-valuenow", Math.round(shown));
    this.#place.setAttribute("aria-valuetext", `${spoken(shown)} of ${spoken(this.#length)}`);
    this.#place.setAttribute("aria-disabled", String(!this.#usable));
    $("now").textContent = clock(shown);
    $("length").textContent = this.#live || !this.#length ? "" : clock(this.#length);
    this.draw();
  }

  draw() {
    cancelAnimationFrame(this.#drawn);
    this.#drawn = requestAnimationFrame(() => this.#paint());
  }

  #paint() {
    const { clientWidth: width, clientHeight: height } = this.#place;
    if (!width || !this.#item) return;
    const scale = devicePixelRatio || 1;
    if (this.#canvas.width !== Math.round(width * scale) || this.#canvas.height !== Math.round(height * scale)) {
      this.#canvas.width = Math.round(width * scale);
      this.#canvas.height = Math.round(height * scale);
    }
    const pen = this.#canvas.getContext("2d");
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const count = Math.max(1, Math.floor(width / BAR));
    const bars = this.#live ? liveBars(this.#item, count) : evenBars(this.#item, count);
    const reached = this.#live ? Infinity : (this.#at / (this.#length || 1)) * count;
    for (let index = 0; index < count; index++) {
      const tall = Math.max(2, bars[index] * (height - 6));
      pen.fillStyle = (this.#live ? bars[index] : this.#at > 0 && index < reached) ? colour("--accent") : colour("--wave");
      pen.beginPath();
      pen.roundRect(index * BAR, (height - tall) / 2, BAR - 1, tall, 1);
      pen.fill();
    }
    if (this.#usable) {
      pen.fillStyle = colour("--accent");
      pen.fillRect(Math.min(width - 2, reached * BAR), 0, 2, height);
    }
  }
}

/** The last seconds, the newest at the right. */
function liveBars(item, count) {
  const bars = new Float32Array(count);
  const from = item.livePeaks.length - count;
  for (let index = Math.max(0, -from); index < count; index++) bars[index] = lifted(item.livePeaks[from + index], 0.5);
  return bars;
}

function evenBars(item, count) {
  if (item.peaks?.length) return overview(item.peaks, count);
  return sketch(item, count);
}

function overview(peaks, count) {
  const bars = new Float32Array(count);
  let loudest = 0.02;
  for (const peak of peaks) loudest = Math.max(loudest, peak);
  for (let index = 0; index < count; index++) {
    const from = Math.floor((index * peaks.length) / count);
    const to = Math.max(from + 1, Math.floor(((index + 1) * peaks.length) / count));
    let most = 0;
    for (let at = from; at < to; at++) most = Math.max(most, peaks[at]);
    bars[index] = lifted(most, loudest);
  }
  return bars;
}

/** Quiet speech stays visible beside loud speech. */
const lifted = (peak, loudest) => Math.min(1, peak / loudest) ** 0.7;

/** Where the browser can't decode the sound: where words are. */
function sketch(item, count) {
  const bars = new Float32Array(count);
  const scale = count / (item.duration || 1);
  for (const word of item.words) {
    const tall = 0.3 + 0.05 * Math.min(6, word.text.length);
    for (let index = Math.floor(word.start * scale); index < word.end * scale && index < count; index++) bars[index] = tall;
  }
  return bars;
}

const DECODABLE_BYTES = 250e6;
const DECODABLE_S = 2.5 * 3600;
const DECODED_HZ = 8000;
const PEAKS = 4000;

/** Peaks of a file and its length; null where the browser can't decode it, or should not try. */
export async function decodedPeaks(file, seconds) {
  const small = (navigator.deviceMemory ?? 8) < 4 ? 4 : 1;
  if (file.size > DECODABLE_BYTES / small || seconds > DECODABLE_S / small) return null;
  try {
    const context = new OfflineAudioContext(1, 1, DECODED_HZ);
    const buffer = await context.decodeAudioData(await file.arrayBuffer());
    return { peaks: peaksOf(buffer.getChannelData(0), PEAKS), duration: buffer.duration };
  } catch {
    return null;
  }
}

function peaksOf(samples, count) {
  const peaks = new Float32Array(Math.min(count, samples.length));
  for (let index = 0; index < peaks.length; index++) {
    const from = Math.floor((index * samples.length) / peaks.length);
    const to = Math.floor(((index + 1) * samples.length) / peaks.length);
    let most = 0;
    for (let at = from; at < to; at++) most = Math.max(most, Math.abs(samples[at]));
    peaks[index] = most;
  }
  return peaks;
}
