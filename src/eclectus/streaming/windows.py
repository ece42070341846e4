"""Which stretch of an utterance to encode next: windows [left | chunk | right].

NeMo's buffered streaming (`speech_to_text_streaming_infer_rnnt.py`, `StreamingBatchedAudioBuffer`)
re-encodes for each chunk a window that adds audio of the past and of the future, and takes only the
chunk's frames. The windows are a function of the utterance's positions alone, so they do not
depend on the pieces in which the audio arrived.
"""

from __future__ import annotations

from dataclasses import dataclass

from eclectus.core.errors import OptionError
from eclectus.core.options import LiveOptions
from eclectus.core.timebase import TimeBase


@dataclass(frozen=True, slots=True)
class Step:
    """One call of the encoder; samples count from the utterance's start.

    Attributes:
        start: First sample of the window.
        stop: One past its last.
        drop: Frames of the left context.
        final: Frames after these that are final; None for all to the end of the window.
    """

    start: int
    stop: int
    drop: int
    final: int | None


@dataclass(frozen=True, slots=True)
class Contexts:
    """The three parts of a window in samples, each a whole number of frames.

    Attributes:
        left: Audio of the past.
        chunk: What becomes final.
        right: Audio of the future.
        draft_left: Audio of the past for drafts.
        frame: Samples per frame.
    """

    left: int
    chunk: int
    right: int
    draft_left: int
    frame: int

    @staticmethod
    def of(options: LiveOptions, base: TimeBase) -> Contexts:
        """Round the contexts to whole frames.

        Raises:
            OptionError: A context is negative, or the chunk is shorter than half a frame.
        """
        spans = (options.left_s, options.chunk_s, options.right_s, options.draft_left_s)
        frames = [base.whole_frames(span) for span in spans]
        if min(spans) < 0 or frames[1] < 1:
            raise OptionError(
                f"The contexts {options.left_s:g}-{options.chunk_s:g}-{options.right_s:g} s are "
                f"impossible: none may be negative, and the chunk must have at least one frame "
                f"of {base.frame_s * 1000:g} ms."
            )
        size = base.samples_per_frame
        left, chunk, right, draft_left = (count * size for count in frames)
        return Contexts(left, chunk, right, min(left, draft_left), size)

    @property
    def total(self) -> int:
        """The longest window."""
        return self.left + self.chunk + self.right

    def due(self, done: int) -> int:
        """Return how many samples must have arrived for the next chunk."""
        return done + self.chunk + self.right + 1

    def next_step(self, done: int, available: int) -> Step | None:
        """Plan the next chunk.

        A chunk waits for one sample more than its right context: were the stream to end there, the
        rest would be final with it, as in NeMo.

        Args:
            done: Samples whose frames are final; a multiple of `chunk`.
            available: Samples that have arrived.
        """
        if available < self.due(done):
            return None
        stop = done + self.chunk + self.right
        start = max(0, done - self.left)
        return Step(start, stop, (done - start) // self.frame, self.chunk // self.frame)

    def last_step(self, done: int, available: int) -> Step | None:
        """Plan the rest at the end of an utterance; None if every sample is done.

        The window has its full length as far as there is audio, so the left context grows by what
        chunk and right context lack.
        """
        if available <= done:
            return None
        start = max(0, available - self.total)
        return Step(start, available, (done - start) // self.frame, None)

    def draft_step(self, done: int, available: int) -> Step | None:
        """Plan a look at what is not final yet, with less of the past: it comes often."""
        if available <= done:
            return None
        start = max(0, done - self.draft_left)
        return Step(start, available, (done - start) // self.frame, 0)

    def needed_from(self, done: int) -> int:
        """Return the first sample that a later window may ask for."""
        return max(0, done + 1 - self.total)
