"""A live stream: samples in, events out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from eclectus.core.errors import OptionError, StreamClosedError
from eclectus.core.options import StreamOptions
from eclectus.core.protocols import LanguageIdentifier, SpeechDetector, Tokenizer
from eclectus.core.timebase import SAMPLE_RATE
from eclectus.core.types import FloatArray
from eclectus.signal.decoded import to_float
from eclectus.signal.given_samples import given_array, given_rate
from eclectus.signal.resample import StreamResampler
from eclectus.signal.vad import EnergyDetector
from eclectus.streaming.buffer import SampleBuffer
from eclectus.streaming.endpoint import Endpointer, Mark
from eclectus.streaming.engine import Found, StreamEngine, Work
from eclectus.streaming.events import Ended, Endpoint, EndpointReason, Event, SpeechStarted
from eclectus.streaming.language_follower import LanguageFollower
from eclectus.streaming.pace import Clock, DraftPace
from eclectus.streaming.steps import Listening, Steps
from eclectus.streaming.utterance import Spelling, Utterance
from eclectus.streaming.windows import Contexts
from eclectus.text.model_languages import ModelLanguages, check_language
from eclectus.text.speller import Speller

_BREATH_S = 0.3
"""Silence within speech is shorter."""
_HEARD_AT_ONCE = SAMPLE_RATE
"""Samples in which speech is detected in one request."""
_END_OF_UTTERANCE = "<EOU>"
"""Of parakeet_realtime_eou_120m. Its <EOB> ends a mere "uh-huh" of a listener, and no utterance."""


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
        identify: LanguageIdentifier | None = None,
        new_detector: Callable[[], SpeechDetector] = EnergyDetector,
        clock: Clock = time.perf_counter,
    ) -> None:
        """Open a stream; `eclectus.load().stream()` does this.

        Args:
            engine: The model, shared by any number of sessions.
            tokenizer: The model's vocabulary.
            options: Contexts, drafts, endpoints.
            sample_rate: Of the samples that will be pushed, in Hz; None for the model's own.
            identify: Identifies the language of a text, where the model knows several; None to
                leave the language unknown.
            new_detector: Returns a new speech detector for each stream.
            clock: Returns the time in seconds: drafts are made less often if they take long.

        Raises:
            OptionError: A context or a rate is impossible.
        """
        self._engine = engine
        self._options = options
        self._identify = identify
        self._new_detector = new_detector
        self._clock = clock
        self._base = engine.config.time_base
        self._contexts = Contexts.of(options.live, self._base, options.catch_up_s)
        self._speller = Speller(engine.config, tokenizer, options.confidence, options.segments)
        self._end_id = tokenizer.special_id(_END_OF_UTTERANCE)
        # A model's own end of an utterance may lie anywhere in a long step.
        self._catches_up = self._contexts.catch_up > 0 and self._end_id is None
        if not self._catches_up:
            self._contexts = replace(self._contexts, catch_up=0)
        self._rate = self._base.sample_rate if sample_rate is None else given_rate(sample_rate)
        self._hint = options.language
        self._tail = round(options.endpoint.tail_s * self._base.sample_rate)
        self._begin()

    def _begin(self) -> None:
        endpoint = self._options.endpoint
        self._endpointer = Endpointer(endpoint, self._new_detector()) if endpoint.enabled else None
        self._resampler = (
            None
            if self._rate == self._base.sample_rate
            else StreamResampler(self._rate, self._base.sample_rate)
        )
        self._audio = SampleBuffer()
        self._utterance: Utterance | None = None
        self._spelling = Spelling(self._speller, self._speller.segmenter(), self._end_id)
        known = ModelLanguages(self.languages, self._identify)
        self._language = LanguageFollower(known, self._hint)
        live = self._options.live
        self._pace = DraftPace(live.partial_s, live.partial_share, self._clock)
        self._last_end = 0
        self._closed = False

    @property
    def duration(self) -> float:
        """Seconds of audio so far."""
        return self._audio.stop / self._base.sample_rate

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 codes that the model knows; empty if unknown."""
        return self._engine.config.languages

    @property
    def within_speech(self) -> bool:
        """Whether the audio so far ends within speech; False if speech is not detected."""
        if self._utterance is None or self._endpointer is None:
            return False
        silent = self._audio.stop - self._endpointer.heard_until
        return silent < _BREATH_S * self._base.sample_rate

    def push(self, samples: FloatArray) -> list[Event]:
        """Add samples.

        Args:
            samples: (n,) mono float32 in [-1, 1], or integers, which are scaled; n may be 0.

        Returns:
            The events of these samples, in order.

        Raises:
            StreamClosedError: `finish` was called before.
            OptionError: The samples are not mono.
            BackendError: The engine failed.
        """
        return self.drive(self.steps(samples))

    def flush(self) -> list[Event]:
        """End the utterance now, without waiting for silence; all its words become final.

        Raises:
            StreamClosedError: `finish` was called before.
            BackendError: The engine failed.
        """
        return self.drive(self.flush_steps())

    def finish(self) -> list[Event]:
        """End the stream: all words become final. A second call returns no events.

        Raises:
            BackendError: The engine failed.
        """
        return self.drive(self.last_steps())

    def reset(self) -> None:
        """Begin a new stream at time 0; words that are not final are dropped."""
        self._begin()

    def require_language(self, language: str | None) -> None:
        """Refuse a language that the model does not know.

        Raises:
            OptionError: It does not.
        """
        check_language(language, self._engine.config)

    def hint(self, language: str | None) -> None:
        """Set the language that is expected from now on, also after a `reset`.

        Args:
            language: One of `languages`; None for none.

        Raises:
            OptionError: The model does not know the language.
        """
        self.require_language(language)
        self._hint = self._language.hint = language

    def drive(self, steps: Steps) -> list[Event]:
        """Compute steps one by one; a scheduler computes those of many sessions together."""
        try:
            request = next(steps)
            while True:
                request = steps.send(self._serve(request))
        except StopIteration as stop:
            events: list[Event] = stop.value
            return events

    def _serve(self, request: Work | Listening) -> Found | None:
        if isinstance(request, Work):
            return self._engine.run([request])[0]
        request.hear()
        return None

    def steps(self, samples: FloatArray) -> Steps:
        """Like `push`, for a caller that serves the requests itself: see `Steps`.

        Raises:
            StreamClosedError: `finish` was called before.
            OptionError: The samples are not mono.
        """
        self._require_open()
        samples = _checked(samples)
        ready = samples if self._resampler is None else self._resampler.push(samples)
        return self._told(self._take(ready))

    def flush_steps(self) -> Steps:
        """Like `flush`, for a caller that computes the steps itself.

        Raises:
            StreamClosedError: `finish` was called before.
        """
        self._require_open()
        return self._told(self._flush())

    def last_steps(self) -> Steps:
        """Like `finish`, for a caller that computes the steps itself."""
        if self._closed:
            return []
        self._closed = True
        return (yield from self._told(self._last()))

    def _told(self, steps: Steps) -> Steps:
        return self._language.annotate((yield from steps))

    def _last(self) -> Steps:
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
            yield from self._hear(self._endpointer, samples)
        events += yield from self._follow()
        if self._utterance is not None:
            events += yield from self._look_on(self._utterance)
        self._forget()
        return events

    def _hear(self, endpointer: Endpointer, samples: FloatArray) -> Iterator[Listening]:
        """Detect speech in pieces, so that a thread that serves many streams turns to each soon."""
        for start in range(0, len(samples), _HEARD_AT_ONCE):
            listening = endpointer.listening(samples[start : start + _HEARD_AT_ONCE])
            yield listening
            endpointer.take(listening.decisions)

    def _look_on(self, utterance: Utterance) -> Steps:
        """Compute the end of the utterance ahead if it is likely to be over, else a draft."""
        if self._endpointer is None:
            return (yield from utterance.draft(self._audio.stop, None))
        now, heard = self._audio.stop, self._endpointer.heard_until
        end, over_at = heard + self._tail, self._endpointer.over_at
        # The answer to an utterance is waited for from `over_at` on: the rest of the silence can be
        # used to compute the end, unless a chunk falls due in it.
        is_known = end <= now and end < over_at < utterance.due
        if is_known and self._endpointer.likely_over_at <= now:
            left_s = (over_at - now) / self._base.sample_rate
            return (yield from utterance.look_ahead(end, left_s))
        return (yield from utterance.draft(now, heard))

    def _follow(self) -> Steps:
        """Handle marks and steps in the order of their positions, whatever the pieces were."""
        events: list[Event] = []
        while True:
            due = None if self._utterance is None else self._utterance.due
            # To catch up, find the end of the utterance first, then take long steps to it.
            until = self._audio.stop if due is not None and self._catches_up else due
            mark = None if self._endpointer is None else self._endpointer.next_mark(until)
            if mark is not None:
                events += yield from self._on_mark(mark)
            elif due is not None and due <= self._audio.stop:
                events += yield from self._advance()
            else:
                return events

    def _advance(self) -> Steps:
        assert self._utterance is not None
        events = yield from self._utterance.advance()
        at = self._utterance.ended_at
        return events if at is None else [*events, *self._on_token(at)]

    def _on_token(self, at: int) -> list[Event]:
        """End the utterance where the model's token did; the next may have begun already."""
        second = at / self._base.sample_rate
        self._last_end, self._utterance = at, None
        events: list[Event] = [Endpoint(second, EndpointReason.TOKEN)]
        if self._endpointer is None:
            self._utterance = self._new_utterance(at)
        elif self._endpointer.begin_anew(at):
            self._utterance = self._new_utterance(at)
            events.append(SpeechStarted(second))
        return events

    def _on_mark(self, mark: Mark) -> Steps:
        rate = self._base.sample_rate
        if mark.reason is None:
            start = self._utterance_start(mark.at)
            self._utterance = self._new_utterance(start)
            return [SpeechStarted(max(mark.at, start) / rate)]
        assert self._utterance is not None
        events = yield from self._catch_up(mark.known)
        stop = min(mark.known, mark.at + self._tail)
        return events + (yield from self._end(stop, mark.at, mark.reason))

    def _catch_up(self, stop: int) -> Steps:
        """Take the long steps of an utterance whose end is known already."""
        events: list[Event] = []
        if self._catches_up:
            while self._utterance is not None and self._utterance.has_step(stop):
                events += yield from self._utterance.advance(stop)
        return events

    def _end(self, stop: int, at: int, reason: EndpointReason) -> Steps:
        assert self._utterance is not None
        events = yield from self._utterance.finish(stop)
        self._last_end = max(stop, self._utterance.done)
        if reason is EndpointReason.SILENCE and self._utterance.ended_by_token:
            reason = EndpointReason.TOKEN
        self._utterance = None
        return [*events, Endpoint(at / self._base.sample_rate, reason)]

    def _flush(self) -> Steps:
        events: list[Event] = []
        if self._resampler is not None and not self._closed:
            # The filter holds back some 0.1 s of the audio.
            rest = self._resampler.finish()
            self._resampler = StreamResampler(self._rate, self._base.sample_rate)
            events += yield from self._take(rest)
        if self._utterance is None:
            return events
        stop = self._audio.stop
        at = stop
        if self._endpointer is not None:
            at = min(at, self._endpointer.heard_until)
            self._endpointer.forget_utterance()
        return events + (yield from self._end(stop, at, EndpointReason.FLUSH))

    def _utterance_start(self, heard: int) -> int:
        """Return the start: earlier by the pre-roll, not in the utterance before, on a frame."""
        pre_roll = round(self._options.endpoint.pre_roll_s * self._base.sample_rate)
        start = max(heard - pre_roll, self._last_end, 0)
        return self._base.sample_of(-(-start // self._base.samples_per_frame))

    def _new_utterance(self, start: int) -> Utterance:
        return Utterance(
            self._audio,
            self._base.frame_at(start),
            self._engine,
            self._spelling,
            self._contexts,
            self._options,
            self._pace,
        )

    def _forget(self) -> None:
        if self._utterance is not None:
            self._audio.forget(self._utterance.forget())
        else:
            memory = self._options.endpoint.pre_roll_s + 0.5
            self._audio.forget(self._audio.stop - round(memory * self._base.sample_rate))

    def _require_open(self) -> None:
        if self._closed:
            raise StreamClosedError("the stream has ended; open a new session or reset this one")


def _checked(given: object) -> FloatArray:
    # Speech is detected for many streams together: wrong samples of one must not affect others.
    samples = to_float(given_array(given))
    if samples.ndim != 1:
        raise OptionError(
            f"a stream takes mono samples of the shape (n,), got {samples.shape}; "
            "take one channel or their mean",
            shape=samples.shape,
        )
    return samples
