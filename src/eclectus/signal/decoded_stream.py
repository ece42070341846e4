"""An opened source as the rest of the package sees it: limited, mono, at one rate."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from types import TracebackType
from typing import Self

from eclectus.core.errors import UndecodableAudioError
from eclectus.core.types import FloatArray
from eclectus.signal.decoded import DecodedAudio, Mixer
from eclectus.signal.limits import DurationGuard
from eclectus.signal.resample import StreamResampler


class DecodedStream:
    """A `core.protocols.AudioStream`; one thread at a time, and to be read once."""

    def __init__(
        self,
        decoded: DecodedAudio,
        blocks: Iterator[FloatArray],
        mixer: Mixer,
        guard: DurationGuard,
        target_rate: int,
        release: Callable[[], None],
    ) -> None:
        """Put the parts together; `signal.decode.open_audio` does.

        Args:
            decoded: The opened source.
            blocks: Its blocks; the first one may have been looked at.
            mixer: The one that the source was opened with.
            guard: Counts what is decoded.
            target_rate: Rate to yield, in Hz.
            release: Closes what lies below the decoder.
        """
        self._decoded = decoded
        self._source_blocks = blocks
        self._mixer = mixer
        self._guard = guard
        self._target_rate = target_rate
        self._release = release
        self._blocks = self._resampled()

    @property
    def sample_rate(self) -> int:
        """Rate of the samples that it yields, in Hz."""
        return self._target_rate

    @property
    def duration_s(self) -> float | None:
        """Length that the container promises, in seconds; None if it does not say."""
        return self._decoded.duration_s

    def __iter__(self) -> Iterator[FloatArray]:
        return self._blocks

    def close(self) -> None:
        """Release the decoder and the file, unless the caller owns it; safe to call twice."""
        self._blocks.close()
        self._decoded.close()
        self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _resampled(self) -> Generator[FloatArray, None, None]:
        rate = self._decoded.sample_rate
        resampler = StreamResampler(rate, self._target_rate)
        for block in self._source_blocks:
            self._guard.count(len(block) / rate)
            ready = resampler.push(block)
            if len(ready):
                yield ready
        if not self._mixer.heard:
            raise UndecodableAudioError("no sample of the audio is a finite number")
        rest = resampler.finish()
        if len(rest):
            yield rest
