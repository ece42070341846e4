"""One utterance of a stream: from its samples to final words, drafts and segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from eclectus.core.options import StreamOptions
from eclectus.core.types import Hypothesis, Word
from eclectus.streaming.buffer import SampleBuffer
from eclectus.streaming.engine import Found, StreamEngine, Work
from eclectus.streaming.events import Event, Final, Partial, SegmentDone
from eclectus.streaming.pace import DraftPace
from eclectus.streaming.stability import agreeing
from eclectus.streaming.steps import Steps
from eclectus.streaming.windows import Ahead, Chunk, Contexts, Draft, Last, Step, StepKind
from eclectus.text.segments import Segmenter
from eclectus.text.speller import Speller


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a stream's tokens are spelt.

    Attributes:
        speller: Of the model.
        segmenter: The stream's own.
        end_id: Id of the token by which the model ends an utterance; None if it has none.
    """

    speller: Speller
    segmenter: Segmenter
    end_id: int | None


@dataclass(frozen=True, slots=True)
class _Ahead:
    """A step that was requested ahead of the end, and its result if there was time for it."""

    step: Step[Last]
    found: Found | None


class Utterance:
    """The state of the utterance that a session is in."""

    def __init__(
        self,
        audio: SampleBuffer,
        first_frame: int,
        engine: StreamEngine,
        spelling: Spelling,
        contexts: Contexts,
        options: StreamOptions,
        pace: DraftPace,
    ) -> None:
        """Begin an utterance.

        Args:
            audio: The stream's samples.
            first_frame: The frame of the stream at which the utterance begins.
            engine: Gives the search's first state.
            spelling: Of the session.
            contexts: Of the windows.
            options: Of the session.
            pace: Of the session's drafts.
        """
        self._audio = audio
        self._first_frame = first_frame
        self._origin = first_frame * contexts.frame
        self._state = engine.start()
        self._windows = engine.windows()
        self._spelling = spelling
        self._contexts = contexts
        self._options = options
        self._rate = engine.config.time_base.sample_rate
        self._pace = pace
        self._done = 0
        self._ended_at: int | None = None
        self._ended_by_token = False
        self._drafted = 0
        self._ahead: _Ahead | None = None
        self._pending = Hypothesis.empty()
        self._draft = Hypothesis.empty()
        self._shown: tuple[Word, ...] = ()

    @property
    def done(self) -> int:
        """The sample of the stream before which everything is final."""
        return self._origin + self._done

    @property
    def due(self) -> int:
        """How many samples the stream must have for the next step."""
        return self._origin + self._contexts.due(self._done)

    @property
    def ended_at(self) -> int | None:
        """The sample before which the model's own token ended it; None if none has."""
        return self._ended_at

    @property
    def ended_by_token(self) -> bool:
        """Whether its last token is the one by which the model ends an utterance."""
        return self._ended_by_token

    def forget(self) -> int:
        """Drop features that no later window needs; return the first sample that one may need."""
        needed = self._contexts.needed_from(self._done)
        self._windows.forget(needed)
        return self._origin + needed

    def has_step(self, stop: int) -> bool:
        """Return whether an utterance that ends at `stop` has steps before its last."""
        available = stop - self._origin
        return not self._contexts.ends_at_once(self._done, available) and (
            self._contexts.next_step(self._done, available) is not None
        )

    def advance(self, stop: int | None = None) -> Steps:
        """Make the next chunk final, if there is enough audio.

        It may end the utterance (see `ended_at`): then all its words are final, and no other method
        may be called.

        Args:
            stop: Where the utterance ends, a sample of the stream; None if it has not ended.
        """
        available = (self._audio.stop if stop is None else stop) - self._origin
        step = self._contexts.next_step(self._done, available)
        if step is None:
            return []
        before = self._done
        self._done += step.kind.frames * self._contexts.frame
        newest = self._contexts.next_step(self._done, available) is None
        drafts = newest and self._options.live.emit_partial
        found = _needed((yield self._work(step, replace(step.kind, drafts=drafts))))
        self._take(self._until_end(found, before))
        self._drafted = step.stop
        if self._ended_at is not None:
            return self._last_finals()
        events = self._finals(last=False)
        if drafts:
            events += self._partial()
        return events

    def draft(self, stop: int, heard: int | None) -> Steps:
        """Compute a draft, if there is enough new audio.

        Args:
            stop: The stream's samples before it are known.
            heard: There has been no speech since this sample; None if that is not known.
        """
        available = stop - self._origin
        fresh = available - self._drafted
        silent = heard is not None and self._drafted >= heard - self._origin + self._contexts.frame
        if (
            not self._options.live.emit_partial
            or fresh < round(self._pace.interval_s * self._rate)
            or silent
        ):
            return []
        step = self._contexts.draft_step(self._done, available)
        if step is None:
            return []
        with self._pace.measured():
            found = yield self._work(step, step.kind)
        self._drafted = available
        if found is None:
            self._pace.skipped()
            return []
        self._draft = found.draft.shift(self._first_frame)
        return self._partial()

    def look_ahead(self, stop: int, left_s: float) -> Steps:
        """Compute the end before it is certain, so that `finish` has nothing left to compute.

        The result is returned as a draft. The words that become final are the same with this call
        and without it.

        Args:
            stop: The stream's sample at which the utterance will end, if no other step follows.
            left_s: Seconds until that is certain.
        """
        step = self._contexts.last_step(self._done, stop - self._origin)
        if step is None or (self._ahead is not None and self._ahead.step == step):
            return []
        found = yield self._work(step, Ahead(left_s))
        self._ahead = _Ahead(step, found)
        if found is None:
            return []
        self._drafted = step.stop
        self._draft = found.final.shift(self._first_frame)
        return self._partial() if self._options.live.emit_partial else []

    def finish(self, stop: int) -> Steps:
        """Make everything up to the stream's sample `stop` final."""
        step = self._contexts.last_step(self._done, stop - self._origin)
        if step is not None:
            found = self._ahead.found if self._ahead and self._ahead.step == step else None
            self._take(found or _needed((yield self._work(step, step.kind))))
            end_id = self._spelling.end_id
            self._ended_by_token = end_id is not None and self._pending.ends_with(end_id)
        return self._last_finals()

    def _last_finals(self) -> list[Event]:
        self._draft = Hypothesis.empty()
        events = self._finals(last=True)
        shown, self._shown = self._shown, ()
        # A draft of which nothing became final is withdrawn.
        return [Partial(())] if shown and not events else events

    def _work(self, step: Step[Draft] | Step[Chunk] | Step[Last], kind: StepKind) -> Work:
        samples = self._audio.read(self._origin + step.start, self._origin + step.stop)
        return Work(samples, step.start, self._windows, step.drop, kind, self._state)

    def _until_end(self, found: Found, before: int) -> Found:
        """Leave out the tokens after the one that ends an utterance: they belong to the next."""
        if self._spelling.end_id is None:
            return found
        ends = np.flatnonzero(found.final.token_ids == self._spelling.end_id)
        if not len(ends):
            return found
        place = int(ends[0])
        # A run of CTC labels may have begun before the chunk, whose audio may be gone.
        past_token = (int(found.final.frames[place]) + 1) * self._contexts.frame
        self._ended_at = self._origin + max(past_token, before)
        return replace(found, final=found.final.slice(0, place + 1))

    def _take(self, found: Found) -> None:
        self._state = found.state
        self._pending = Hypothesis.concat([self._pending, found.final.shift(self._first_frame)])
        self._draft = found.draft.shift(self._first_frame)

    def _finals(self, *, last: bool) -> list[Event]:
        """Return the words and segments that are settled: later tokens do not change them."""
        speller, segmenter = self._spelling.speller, self._spelling.segmenter
        if last:
            words, self._pending = self._spell(self._pending), Hypothesis.empty()
        else:
            words, self._pending = speller.settle(self._pending, self._end_s)
        words = self._sure(words)
        segments = segmenter.add(words) + (segmenter.finish() if last else [])
        events: list[Event] = [Final(words)] if words else []
        return events + [SegmentDone(segment) for segment in segments]

    def _partial(self) -> list[Event]:
        """Return the draft, if it differs from the one before."""
        words = self._sure(self._spell(Hypothesis.concat([self._pending, self._draft])))
        before, self._shown = self._shown, words
        if [word.text for word in words] == [word.text for word in before]:
            return []
        return [Partial(words, agreeing(before, words))]

    @property
    def _end_s(self) -> float:
        """Where the audio ends so far, in seconds of the stream."""
        return self._audio.stop / self._rate

    def _spell(self, hypothesis: Hypothesis) -> tuple[Word, ...]:
        return self._spelling.speller.words(self._spelling.speller.tokens(hypothesis, self._end_s))

    def _sure(self, words: Sequence[Word]) -> tuple[Word, ...]:
        """Leave out words below `LiveOptions.min_confidence`."""
        least = self._options.live.min_confidence
        return tuple(word for word in words if word.confidence >= least)


def _needed(found: Found | None) -> Found:
    assert found is not None, "only drafts may be left out"
    return found
