"""A live stream: samples in, events out."""

from __future__ import annotations

from eclectus.core.errors import StreamClosedError
from eclectus.core.options import StreamOptions
from eclectus.core.protocols import Tokenizer
from eclectus.core.types import FloatArray
from eclectus.signal.resample import StreamResampler
from eclectus.streaming.buffer import SampleBuffer
from eclectus.streaming.endpoint import Endpointer, Mark
from eclectus.streaming.engine import StreamEngine
from eclectus.streaming.events import Ended, Endpoint, EndpointReason, Event, SpeechStarted
from eclectus.streaming.utterance import Steps, Utterance
from eclectus.streaming.windows import Contexts
from eclectus.streaming.writer import Writer


class Session:
    """One stream of one speaker or room; for one caller at a time.

    Final words and their times do not depend on the pieces in which the samples arrive; drafts
    do. Memory does not grow with the stream.
    """

    def __init__(
        self,
        engine: StreamEngine,
        tokenizer: Tokenizer,
        options: StreamOptions = StreamOptions(),  # noqa: B008 - frozen
        *,
        sample_rate: int | None = None,
    ) -> None:
        """Open a stream; `eclectus.load().stream()` does this.

        Args:
            engine: The model, shared by any number of sessions.
            tokenizer: The model's vocabulary.
            options: Contexts, drafts, endpoints.
            sample_rate: Of the samples that will be pushed, in Hz; None for the model's own.

        Raises:
            OptionError: A context or a rate is impossible.
        """
        self._engine = engine
        self._options = options
        self._base = engine.config.time_base
        self._contexts = Contexts.of(options.live, self._base, options.catch_up_s)
        self._writer = Writer(engine.config, tokenizer, options)
        self._rate = self._base.sample_rate if sample_rate is None else sample_rate
        self._begin()

    def _begin(self) -> None:
        endpoint = self._options.endpoint
        self._endpointer = Endpointer(endpoint) if endpoint.enabled else None
        self._resampler = (
            None
            if self._rate == self._base.sample_rate
            else StreamResampler(self._rate, self._base.sample_rate)
        )
        self._audio = SampleBuffer()
        self._utterance: Utterance | None = None
        self._last_end = 0
        self._closed = False

    @property
    def duration(self) -> float:
        """Seconds of audio so far."""
        return self._audio.stop / self._base.sample_rate

    def push(self, samples: FloatArray) -> list[Event]:
        """Add samples.

        Args:
            samples: (n,) mono float32 in [-1, 1]; n may be 0.

        Returns:
            What they brought, in order.

        Raises:
            StreamClosedError: `finish` was called before.
            BackendError: The engine failed.
        """
        return self.drive(self.steps(samples))

    def flush(self) -> list[Event]:
        """End the utterance now, without waiting for silence: all its words become final.

        Raises:
            StreamClosedError: `finish` was called before.
            BackendError: The engine failed.
        """
        return self.drive(self.flush_steps())

    def finish(self) -> list[Event]:
        """End the stream: what is left becomes final. A second call returns nothing.

        Raises:
            BackendError: The engine failed.
        """
        return self.drive(self.last_steps())

    def reset(self) -> None:
        """Begin a new stream at time 0; what was not final is lost."""
        self._begin()

    def drive(self, steps: Steps) -> list[Event]:
        """Compute steps one by one; a scheduler computes those of many sessions together."""
        try:
            work = next(steps)
            while True:
                work = steps.send(self._engine.run([work])[0])
        except StopIteration as stop:
            events: list[Event] = stop.value
            return events

    def steps(self, samples: FloatArray) -> Steps:
        """Like `push`, for a caller that computes the steps itself.

        Raises:
            StreamClosedError: `finish` was called before.
        """
        self._require_open()
        return self._take(samples if self._resampler is None else self._resampler.push(samples))

    def flush_steps(self) -> Steps:
        """Like `flush`, for a caller that computes the steps itself.

        Raises:
            StreamClosedError: `finish` was called before.
        """
        self._require_open()
        return self._flush()

    def last_steps(self) -> Steps:
        """Like `finish`, for a caller that computes the steps itself."""
        if self._closed:
            return []
        self._closed = True
        events: list[Event] = []
        if self._resampler is not None:
            events += yield from self._take(self._resampler.finish())
        events += yield from self._flush()
        return [*events, Ended(self.duration)]

    def _take(self, samples: FloatArray) -> Steps:
        events: list[Event] = []
        self._audio.add(samples)
        if self._endpointer is None:
            if self._utterance is None and self._audio.stop > self._last_end:
                self._utterance = self._new_utterance(self._utterance_start(self._last_end))
        else:
            for mark in self._endpointer.push(samples):
                events += yield from self._on_mark(mark)
        if self._utterance is not None:
            heard = None if self._endpointer is None else self._endpointer.heard_until
            events += yield from self._utterance.advance(self._audio.stop)
            events += yield from self._utterance.draft(self._audio.stop, heard)
        self._forget()
        return events

    def _on_mark(self, mark: Mark) -> Steps:
        rate = self._base.sample_rate
        if mark.reason is None:
            start = self._utterance_start(mark.at)
            self._utterance = self._new_utterance(start)
            return [SpeechStarted(max(mark.at, start) / rate)]
        assert self._utterance is not None
        events = yield from self._utterance.advance(mark.known, ends=True)
        stop = min(mark.known, mark.at + round(self._options.endpoint.tail_s * rate))
        return events + (yield from self._end(stop, mark.at, mark.reason))

    def _end(self, stop: int, at: int, reason: EndpointReason) -> Steps:
        assert self._utterance is not None
        events = yield from self._utterance.finish(stop)
        self._last_end = max(stop, self._utterance.done)
        self._utterance = None
        return [*events, Endpoint(at / self._base.sample_rate, reason)]

    def _flush(self) -> Steps:
        if self._utterance is None:
            return []
        stop = self._audio.stop
        at = stop
        if self._endpointer is not None:
            at = min(at, self._endpointer.heard_until)
            self._endpointer.forget_utterance()
        return (yield from self._end(stop, at, EndpointReason.FLUSH))

    def _utterance_start(self, heard: int) -> int:
        """Go back by the pre-roll, but not into the utterance before; on a whole frame."""
        pre_roll = round(self._options.endpoint.pre_roll_s * self._base.sample_rate)
        start = max(heard - pre_roll, self._last_end, 0)
        return self._base.sample_of(-(-start // self._base.samples_per_frame))

    def _new_utterance(self, start: int) -> Utterance:
        return Utterance(
            self._audio,
            self._base.frame_at(start),
            self._engine,
            self._writer,
            self._contexts,
            self._options,
        )

    def _forget(self) -> None:
        if self._utterance is not None:
            self._audio.forget(self._utterance.needed_from())
        else:
            memory = self._options.endpoint.pre_roll_s + 0.5
            self._audio.forget(self._audio.stop - round(memory * self._base.sample_rate))

    def _require_open(self) -> None:
        if self._closed:
            raise StreamClosedError("the stream has ended; open a new session or reset this one")
