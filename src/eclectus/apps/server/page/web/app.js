// Puts the page together.

import * as api from "./api.js";
import { $, clock, element, many, tell, toast } from "./dom.js";
import { copy, download } from "./files.js";
import { Item } from "./items.js";
import { LiveSession } from "./live.js";
import { Player } from "./player.js";
import { FileQueue } from "./queue.js";
import { TranscriptView } from "./transcript.js";
import { Waveform, decodedPeaks } from "./waveform.js";

const EUROPEAN = ["bg", "hr", "cs", "da", "nl", "en", "et", "fi", "fr", "de", "el", "hu", "it", "lv", "lt", "mt", "pl", "pt", "ro", "sk", "sl", "es", "sv", "ru", "uk"];
const names = new Intl.DisplayNames(["en"], { type: "language" });

const items = [];
const sessions = new Map();
let shown = null;
let server = null;
let afterKey = [];

const queue = new FileQueue(choices);
const player = new Player({
  onMove: (seconds, playing) => {
    wave.move(seconds);
    words.mark(playing || seconds > 0 ? seconds : null, { follow: playing });
  },
  onState: (playing) => showPlaying(playing),
  onFail: () => showHint(),
});
const wave = new Waveform({ onSeek: (seconds) => player.seek(seconds) });
const words = new TranscriptView({ onWord: (word) => player.play(word.start) });

function choices() {
  return { model: $("model").value || null, language: $("language").value || null };
}

// The server: what it offers, and its key

async function greet() {
  try {
    server = await api.info();
  } catch (problem) {
    if (problem.status === 401) askForKey(greet);
    else notice(problem.message);
    return false;
  }
  queue.limit(server.max_upload_mb);
  $("limits").textContent = `Audio or video, up to ${many(Math.floor(server.max_upload_mb), "megabyte")} a file, several at once if you like.`;
  $("model").replaceChildren(...server.models.map(({ name }) => new Option(name.split("/").at(-1), name)));
  $("model-choice").hidden = server.models.length < 2;
  offerLanguages();
  return true;
}

function offerLanguages() {
  const model = server.models.find(({ name }) => name === $("model").value) ?? server.models[0];
  for (const name of ["demonstration", "demonstration-note"]) $(name).hidden = !model.demonstration;
  const codes = model.languages.length ? model.languages : EUROPEAN;
  const before = $("language").value || server.language || "";
  const sorted = codes.map((code) => [names.of(code), code]).sort(([one], [other]) => one.localeCompare(other));
  $("language").replaceChildren(new Option("Automatic", ""), ...sorted.map(([name, code]) => new Option(name, code)));
  $("language").value = codes.includes(before) ? before : "";
  $("language-choice").hidden = codes.length < 2;
}

function askForKey(then) {
  afterKey.push(then);
  const wrong = Boolean(api.key.get());
  $("key-form").querySelector("label").textContent = wrong ? "This server doesn’t accept that API key. Try another." : "This server asks for an API key.";
  if (!$("key-form").hidden && !wrong) return;
  $("key-form").hidden = false;
  $("key").value = "";
  $("key").focus();
}

$("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  api.key.set($("key").value.trim());
  $("key-form").hidden = true;
  hideNotice();
  const waiting = [greet, ...afterKey.filter((one) => one !== greet)];
  afterKey = [];
  (async () => {
    if (!await waiting[0]()) return void afterKey.push(...waiting.slice(1));
    waiting.slice(1).forEach((one) => one());
  })();
});

function notice(text) {
  $("notice-text").textContent = text;
  $("notice").hidden = false;
}

function hideNotice() { $("notice").hidden = true; }

// Recordings

function add(item) {
  items.push(item);
  item.addEventListener("change", ({ detail }) => changed(item, detail));
  document.body.dataset.view = "desk";
  $("items").append(entry(item));
  $("shelf").hidden = items.length < 2;
}

function addFiles(files) {
  const fresh = [...files].map((file) => new Item(file.name, "file", file));
  if (!fresh.length) return;
  hideNotice();
  for (const item of fresh) {
    add(item);
    queue.add(item);
    picture(item);
  }
  if (!shown?.busy || shown.kind === "file") show(fresh[0]);
  $("main").focus();
}

async function picture(item) {
  const found = await decodedPeaks(item.file, item.duration);
  if (found) item.set({ peaks: found.peaks, duration: item.duration || found.duration }, "peaks");
}

async function speak() {
  const recording = items.find(({ state }) => state === "recording");
  if (recording) return void sessions.get(recording).stop();
  hideNotice();
  if (!server && !await greet()) return void (afterKey.length && afterKey.push(speak));
  player.pause();
  const time = new Date().toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
  const item = new Item(`Recording, ${time}`, "live");
  const session = new LiveSession(item, choices());
  try {
    await session.start();
  } catch (problem) {
    notice(problem.message);
    return;
  }
  sessions.set(item, session);
  add(item);
  show(item);
  $("main").focus();
}

function again(item) {
  if (item.kind === "file") queue.add(item);
  else sessions.get(item).again();
}

function cancel(item) {
  if (item.kind === "file") queue.cancel(item);
  else sessions.get(item).cancel();
}

// What is seen

function show(item) {
  if (shown === item) return;
  shown = item;
  player.show(item);
  words.show(item);
  wave.show(item);
  showState(item);
  for (const button of $("items").querySelectorAll("button")) {
    const current = Number(button.dataset.id) === item.id;
    button.setAttribute("aria-current", String(current));
    if (current) button.scrollIntoView({ block: "nearest", inline: "center" });
  }
}

function changed(item, what) {
  if (what === "segment") return void (item === shown && tell(item.heard));
  if (what === "state" || what === "words") update(item);
  if (item.problem?.status === 401 && item.state === "failed" && !item.asked) {
    item.asked = true;
    askForKey(() => { item.asked = false; again(item); });
  }
  if (item !== shown) return;
  if (what === "sound") {
    player.show(item);
    wave.show(item);
  }
  if (what === "words") words.update();
  if (what === "language") words.language(item.language);
  if (what === "peaks") {
    wave.move(item.state === "recording" ? item.duration : 0);
    showHint();
  } else showState(item);
}

function entry(item) {
  const button = element("button", { type: "button" }, element("b", { textContent: item.title }), element("i"));
  button.dataset.id = item.id;
  button.addEventListener("click", () => show(item));
  const line = element("li", {}, button);
  item.line = line;
  update(item);
  return line;
}

const STATES = { waiting: "Waiting", sending: "Sending", working: "Listening", recording: "Recording", finishing: "Finishing", failed: "Failed", cancelled: "Cancelled" };

function update(item) {
  if (!item.line) return;
  item.line.dataset.state = item.state;
  const share = item.progress ? `, ${Math.floor(100 * item.progress)} %` : "";
  const label = item.state === "done" ? `${clock(item.duration)} · ${many(item.words.length, "word")}` : STATES[item.state] + share;
  const why = item.state === "failed" ? reason(item.problem) : "";
  item.line.querySelector("i").textContent = why ? `${label}: ${why}` : label;
  item.line.querySelector("button").title = why;
  if (item.stateBefore !== item.state) announce(item);
  item.stateBefore = item.state;
}

/** Why a recording failed: the server's own words where it has said some. */
function reason({ message, detail }) { return detail || message; }

function announce(item) {
  if (item.state === "done") toast(item.words.length ? `${item.title}: ${many(item.words.length, "word")}` : `${item.title}: no words`);
  if (item.state === "failed") tell(`${item.title} failed. ${item.problem.message} ${item.problem.detail}`);
  if (item.state === "failed" && item !== shown) toast(`${item.title}: ${item.problem.message}`);
  if (item.state === "recording") tell("Recording. Speak now.");
  if (item.kind === "file" && item.state === "done") tell(item.text().slice(0, 600));
}

const HOPELESS = [400, 413, 415]; // the same file would fail again

function showState(item) {
  const { state } = item;
  $("title").textContent = item.title;
  $("facts").textContent = facts(item);
  $("takeaway").hidden = !item.words.length;
  for (const button of $("takeaway").querySelectorAll("button")) button.disabled = !item.words.length;
  const works = ["waiting", "sending", "working", "finishing"].includes(state) || (state === "recording" && item.note);
  $("working").hidden = !works;
  $("working").querySelector("button").hidden = state === "recording";
  $("stage").textContent = item.note;
  if (item.progress === null) $("progress").removeAttribute("value");
  else $("progress").value = item.progress;
  $("problem").hidden = !["failed", "cancelled"].includes(state);
  $("problem-text").textContent = state === "cancelled" ? "Cancelled." : item.problem?.message ?? "";
  $("problem-detail").textContent = state === "cancelled" ? "" : item.problem?.detail ?? "";
  $("problem-detail").hidden = !$("problem-detail").textContent;
  $("again").hidden = HOPELESS.includes(item.problem?.status);
  $("dock").hidden = state === "failed" && item.kind === "file";
  showRecording();
  showHint();
  wave.draw();
  const mark = { recording: "● ", working: "… ", sending: "… " }[state] ?? "";
  document.title = `${mark}${item.title} · eclectus`;
}

function facts(item) {
  const parts = [];
  if (item.duration && item.state !== "recording") parts.push(clock(item.duration));
  if (item.words.length) parts.push(many(item.words.length, "word"));
  if (item.language) parts.push(names.of(item.language));
  if (item.model && item.state === "done") parts.push(item.model.split("/").at(-1));
  return parts.join(" · ") || (item.state === "recording" ? "The microphone is on." : "");
}

function showRecording() {
  const on = items.some(({ state }) => state === "recording");
  for (const button of document.querySelectorAll('[data-act="speak"]')) {
    button.querySelector("span").textContent = on ? "Stop" : "Speak";
    button.querySelector("use").setAttribute("href", on ? "#i-stop" : "#i-mic");
  }
  showPlaying(player.playing);
}

function showPlaying(playing) {
  const recording = shown?.state === "recording";
  const [label, icon] = recording ? ["Stop recording", "#i-stop"] : playing ? ["Pause", "#i-pause"] : ["Play", "#i-play"];
  $("play").setAttribute("aria-label", label);
  $("play").querySelector("use").setAttribute("href", icon);
  $("play").classList.toggle("on", recording);
  $("play").disabled = !recording && !player.usable;
}

function showHint() {
  if (!shown) return;
  const hint = $("hint");
  hint.replaceChildren();
  if (shown.state === "done" && !shown.words.length) hint.textContent = "No words were heard.";
  else if (!shown.playable && shown.words.length) hint.textContent = "This browser can’t play this kind of file, so words can’t be heard here.";
  else if (shown.state === "done") {
    hint.append("Choose a word to hear it. ", element("b", { className: "c3", textContent: "Paler" }), " words are less certain.");
  }
  hint.hidden = !hint.textContent;
  showPlaying(player.playing);
}

// Taking it away

async function save(kind, suffix) {
  try {
    download(shown.title, suffix, await api.rendered(kind, shown.transcript()));
    toast(`Saved as ${kind.toUpperCase()}`);
  } catch (problem) {
    if (problem.status === 401) askForKey(() => save(kind, suffix));
    else notice(problem.message);
  }
}

async function copyAll() {
  toast(await copy(shown.text()) ? "Copied" : "The browser doesn’t let this page copy.");
}

// What the visitor does

const ACTS = {
  speak,
  choose: () => $("files").click(),
  dismiss: hideNotice,
  copy: copyAll,
  cancel: () => cancel(shown),
  again: () => again(shown),
  play: () => (shown.state === "recording" ? sessions.get(shown).stop() : player.toggle()),
};

document.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (button?.dataset.act) ACTS[button.dataset.act]();
  else if (button?.dataset.format) save(button.dataset.format, button.dataset.suffix);
});

$("files").addEventListener("change", ({ target }) => {
  addFiles(target.files);
  target.value = "";
});
$("model").addEventListener("change", offerLanguages);

document.addEventListener("keydown", (event) => {
  const taken = event.target.closest?.("button, input, select, a, textarea");
  if (event.key !== " " || taken || !shown || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  player.toggle();
});

let depth = 0;
const holdsFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
addEventListener("dragenter", (event) => {
  if (holdsFiles(event)) document.body.classList.toggle("dragging", ++depth > 0);
});
addEventListener("dragleave", (event) => {
  if (holdsFiles(event)) document.body.classList.toggle("dragging", --depth > 0);
});
addEventListener("dragover", (event) => { if (holdsFiles(event)) event.preventDefault(); });
addEventListener("drop", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  depth = 0;
  document.body.classList.remove("dragging");
  addFiles(event.dataTransfer.files);
});
addEventListener("paste", (event) => addFiles(event.clipboardData?.files ?? []));
addEventListener("beforeunload", (event) => { if (items.some(({ busy }) => busy)) event.preventDefault(); });

greet();
