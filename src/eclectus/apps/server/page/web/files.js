// Files that leave the page, and the WAV that a recording is played from.

import { element } from "./dom.js";

/** Save a Blob as a file that is named after a recording. */
export function download(title, suffix, blob) {
  const url = URL.createObjectURL(blob);
  const name = title.replace(/\.[^.\s]{1,5}$/, "").replace(/[\\/:*?"<>|]+/g, "-") || "transcript";
  const link = element("a", { href: url, download: `${name}.${suffix}`, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Copy, also where the page is not on https and the clipboard is closed to it. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = element("textarea", { value: text, className: "unseen" });
    const before = document.activeElement;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    before?.focus();
    return done;
  }
}

/** Int16 mono pieces as a WAV. */
export function wav(pieces, rate) {
  const size = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  const head = new DataView(new ArrayBuffer(44));
  const tag = (at, text) => [...text].forEach((letter, index) => head.setUint8(at + index, letter.charCodeAt(0)));
  tag(0, "RIFF");
  head.setUint32(4, 36 + size, true);
  tag(8, "WAVEfmt ");
  head.setUint32(16, 16, true);
  head.setUint16(20, 1, true);
  head.setUint16(22, 1, true);
  head.setUint32(24, rate, true);
  head.setUint32(28, rate * 2, true);
  head.setUint16(32, 2, true);
  head.setUint16(34, 16, true);
  tag(36, "data");
  head.setUint32(40, size, true);
  return new Blob([head, ...pieces], { type: "audio/wav" });
}
