// Plays what was transcribed, and tells where it is.

export class Player {
  #audio = new Audio();
  #item = null;
  #frame = 0;

  constructor({ onMove, onState, onFail }) {
    this.#audio.preload = "metadata";
    const move = () => onMove(this.#audio.currentTime, !this.#audio.paused);
    const run = () => {
      move();
      if (!this.#audio.paused) this.#frame = requestAnimationFrame(run);
    };
    this.#audio.addEventListener("play", () => { onState(true); cancelAnimationFrame(this.#frame); run(); });
    this.#audio.addEventListener("pause", () => { onState(false); move(); });
    this.#audio.addEventListener("seeked", move);
    this.#audio.addEventListener("loadedmetadata", () => {
      const seconds = this.#audio.duration;
      if (this.#item && !this.#item.duration && Number.isFinite(seconds)) this.#item.set({ duration: seconds }, "peaks");
    });
    this.#audio.addEventListener("error", () => {
      if (!this.#item?.url || this.#audio.getAttribute("src") !== this.#item.url) return;
      this.#item.set({ playable: false }, "peaks");
      onFail(this.#item);
    });
  }

  show(item) {
    this.#item = item;
    this.#audio.pause();
    if (item.url) this.#audio.src = item.url;
    else this.#audio.removeAttribute("src");
  }

  get usable() { return Boolean(this.#item?.url) && this.#item.playable && this.#item.state !== "recording"; }

  get playing() { return !this.#audio.paused; }

  seek(seconds) {
    if (this.usable) this.#audio.currentTime = seconds;
  }

  /** Play from a time on; from where it is without one. */
  async play(seconds = null) {
    if (!this.usable) return;
    if (seconds !== null) this.#audio.currentTime = seconds;
    try {
      await this.#audio.play();
    } catch (error) {
      if (error.name !== "AbortError" && error.name !== "NotSupportedError") throw error;
    }
  }

  pause() { this.#audio.pause(); }

  toggle() {
    if (this.#audio.paused) this.play();
    else this.pause();
  }
}
