"""Plans the windows of an utterance that are encoded: [left | chunk | right].

NeMo's buffered streaming (`speech_to_text_streaming_infer_rnnt.py`, `StreamingBatchedAudioBuffer`)
re-encodes for each chunk a window that adds audio of the past and of the future, and takes only the
chunk's frames. The windows are a function of the utterance's positions alone, so they do not
depend on the pieces in which the audio arrived.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from eclectus.core.options import LiveOptions
from eclectus.core.timebase import TimeBase


@dataclass(frozen=True, slots=True)
class Draft:
    """A step for a draft: nothing becomes final, all frames after the left context are searched."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A step within an utterance: its next frames become final.

    Attributes:
        frames: How many, after the left context.
        drafts: Whether the frames of the right context, after these, give a draft.
    """

    frames: int
    drafts: bool = False


@dataclass(frozen=True, slots=True)
class Last:
    """The last step of an utterance: all frames after the left context become final."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """A last step, computed like `Last` but before it is certain that the utterance ends there.

    Attributes:
        certain_in_s: Seconds until it is certain.
    """

    certain_in_s: float


StepKind: TypeAlias = Draft | Chunk | Last | Ahead
Kind = TypeVar("Kind", Draft, Chunk, Last)


@dataclass(frozen=True, slots=True)
class Step(Generic[Kind]):
    """One call of the encoder; samples count from the utterance's start.

    Attributes:
        start: First sample of the window.
        stop: One past its last.
        drop: Frames of the left context.
        kind: What the frames after these are used for.
    """

    start: int
    stop: int
    drop: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class Contexts:
    """The three parts of a window in samples, each a whole number of frames.

    Attributes:
        left: Audio of the past.
        chunk: What becomes final.
        right: Audio of the future.
        draft_left: Audio of the past for drafts.
        frame: Samples per frame.
        catch_up: Longest chunk when more audio has arrived, in whole chunks; 0 if it is always
            `chunk`.
    """

    left: int
    chunk: int
    right: int
    draft_left: int
    frame: int
    catch_up: int = 0

    @staticmethod
    def of(options: LiveOptions, base: TimeBase, catch_up_s: float | None = None) -> Contexts:
        """Round the contexts to whole frames, a chunk to one at least, the longest to chunks."""
        spans = (options.left_s, options.chunk_s, options.right_s, options.draft_left_s)
        frames = [base.whole_frames(span) for span in spans]
        frames[1] = max(1, frames[1])
        size = base.samples_per_frame
        left, chunk, right, draft_left = (count * size for count in frames)
        longest = base.whole_frames(catch_up_s or 0.0) * size // chunk * chunk
        return Contexts(left, chunk, right, min(left, draft_left), size, longest)

    @property
    def total(self) -> int:
        """The longest window."""
        return self.left + self.chunk + self.right

    def due(self, done: int) -> int:
        """Return how many samples must have arrived for the next chunk."""
        return done + self.chunk + self.right + 1

    def next_step(self, done: int, available: int) -> Step[Chunk] | None:
        """Plan the next chunk, or several in one if `catch_up` allows it and audio has arrived.

        A chunk needs one sample more than its right context: if the stream ended exactly there, the
        rest would become final with it, as in NeMo.

        Args:
            done: Samples whose frames are final; a multiple of `chunk`.
            available: Samples that have arrived.
        """
        if available < self.due(done):
            return None
        waiting = (available - 1 - self.right - done) // self.chunk * self.chunk
        chunk = max(self.chunk, min(waiting, self.catch_up))
        start = max(0, done - self.left)
        stop = done + chunk + self.right
        return Step(start, stop, (done - start) // self.frame, Chunk(chunk // self.frame))

    def ends_at_once(self, done: int, available: int) -> bool:
        """Return whether an utterance that ends here should be finished in one step."""
        return 0 < available - done <= self.catch_up

    def last_step(self, done: int, available: int) -> Step[Last] | None:
        """Plan the rest at the end of an utterance; None if every sample is done.

        The window has its full length if there is enough audio: the left context is longer by what
        chunk and right context lack.
        """
        if available <= done:
            return None
        start = max(0, min(available - self.total, done - self.left))
        return Step(start, available, (done - start) // self.frame, Last())

    def draft_step(self, done: int, available: int) -> Step[Draft] | None:
        """Plan a draft, with a shorter left context because drafts are frequent."""
        if available <= done:
            return None
        start = max(0, done - self.draft_left)
        return Step(start, available, (done - start) // self.frame, Draft())

    def needed_from(self, done: int) -> int:
        """Return the first sample that a later window may need."""
        return max(0, done + 1 - self.total)
