// What the page asks of the server.

const KEY = "eclectus-api-key";

export const key = {
  get: () => { try { return sessionStorage.getItem(KEY) || memory; } catch { return memory; } },
  set: (value) => { memory = value; try { sessionStorage.setItem(KEY, value); } catch { /* kept in memory */ } },
};
let memory = "";

/** What went wrong, with the status that the server gave; 0 if it gave none. */
export class Problem extends Error {
  constructor(status, message, { detail = "", retryAfter = null } = {}) {
    super(message);
    this.status = status;
    this.detail = detail;
    this.retryAfter = retryAfter;
  }

  /** Whether the same request can succeed by itself in a while. */
  get passes() { return this.status === 429 || this.status === 503; }
}

export const unreachable = () => new Problem(0, "The server can’t be reached. Check the connection, then try again.");

const OPENINGS = {
  400: "That can’t be transcribed.",
  401: "The server doesn’t accept the API key.",
  403: "The server doesn’t allow this page to use it.",
  413: "That is too large or too long for this server.",
  415: "The server can’t read this kind of file.",
  429: "You have as much under way as the server allows one visitor.",
  503: "The server is busy.",
  504: "The file took longer than the server allows.",
};

/** A problem in plain words, with the server's own words as the detail. */
export function problemOf(status, message, more = {}) {
  const opening = OPENINGS[status] ?? (status >= 500 ? "The server has failed." : "");
  const said = message ? message[0].toUpperCase() + message.slice(1) : "";
  return opening ? new Problem(status, opening, { ...more, detail: said }) : new Problem(status, said || `The server answered with ${status}.`, more);
}

function headers(more = {}) {
  const shown = key.get();
  return shown ? { ...more, Authorization: `Bearer ${shown}` } : more;
}

function messageIn(text) {
  try {
    const found = JSON.parse(text);
    const said = found.detail ?? found.error?.message ?? found.message ?? "";
    // Of a request that does not have the right form, FastAPI lists all that is wrong.
    return Array.isArray(said) ? said.map(({ msg }) => msg).join("; ") : String(said);
  } catch {
    return "";
  }
}

function fromAnswer(status, text, retryAfter) {
  return problemOf(status, messageIn(text), { retryAfter: Number(retryAfter) || null });
}

async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { ...options, headers: headers(options.headers) });
  } catch {
    throw unreachable();
  }
  if (!answer.ok) throw fromAnswer(answer.status, await answer.text(), answer.headers.get("retry-after"));
  return answer;
}

export const info = async () => (await ask("/web/info")).json();

/** The transcript as a file (a Blob) of one of the kinds that the page has buttons for. */
export async function rendered(kind, transcript) {
  const answer = await ask(`/web/render/${kind}`, {
    method: "POST",
    body: JSON.stringify(transcript),
    headers: { "Content-Type": "application/json" },
  });
  return answer.blob();
}

/**
 * Send a file and wait for its transcript.
 * fetch can't tell how much has been sent, so this is an XMLHttpRequest.
 */
export function transcribe(file, { model, language, signal, onSent, onDone }) {
  const query = new URLSearchParams();
  if (model) query.set("model", model);
  if (language) query.set("language", language);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const lines = new Lines();
    const stop = () => request.abort();
    request.open("POST", `/web/transcribe?${query}`);
    for (const [name, value] of Object.entries(headers({ "Content-Type": "application/octet-stream" }))) {
      request.setRequestHeader(name, value);
    }
    request.upload.onprogress = (event) => onSent(event.loaded / (event.total || file.size || 1));
    request.upload.onload = () => onSent(1);
    request.onprogress = () => {
      if (request.status !== 200) return;
      lines.read(request.responseText);
      if (lines.last?.type === "progress") onDone(lines.last.done_s, lines.last.total_s);
    };
    request.onload = () => {
      if (request.status !== 200) {
        reject(fromAnswer(request.status, request.responseText, request.getResponseHeader("retry-after")));
        return;
      }
      lines.read(request.responseText);
      const { last } = lines;
      if (last?.type === "transcript") resolve(last);
      else if (last?.type === "error") reject(problemOf(last.status, last.message, { retryAfter: last.retry_after_s }));
      else reject(unreachable());
    };
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    request.onloadend = () => signal.removeEventListener("abort", stop);
    signal.addEventListener("abort", stop);
    request.send(file);
  });
}

/** JSON lines of a text that grows. */
class Lines {
  #read = 0;
  last = null;

  read(text) {
    const end = text.lastIndexOf("\n") + 1;
    if (end <= this.#read) return;
    const fresh = text.slice(this.#read, end - 1);
    this.#read = end;
    this.last = JSON.parse(fresh.slice(fresh.lastIndexOf("\n") + 1));
  }
}
