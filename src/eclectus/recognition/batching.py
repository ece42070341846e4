"""Grouping the windows of many sources into batches, and recognising the batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Protocol, TypeAlias

from eclectus.core.errors import BackendError, OptionError
from eclectus.core.options import BatchOptions
from eclectus.core.protocols import AcousticModel, Search
from eclectus.core.types import Features, FloatArray, Hypothesis

Result: TypeAlias = Hypothesis | BackendError


class FeatureExtractor(Protocol):
    """From samples to features."""

    def __call__(self, samples: Sequence[FloatArray]) -> Features:
        """Return the normalised features (B, M, T) of B arrays (N,)."""
        ...


def check_batch(options: BatchOptions) -> None:
    """Refuse a batch that can't hold anything.

    Raises:
        OptionError: A limit is not positive.
    """
    if options.size < 1 or options.max_audio_s <= 0:
        raise OptionError(
            f"A batch of {options.size} windows and {options.max_audio_s} s is impossible; "
            "at least 1 window and more than 0 s are needed.",
            size=options.size,
            max_audio_s=options.max_audio_s,
        )


def group(lengths: Sequence[int], options: BatchOptions, sample_rate: int) -> list[list[int]]:
    """Sort windows by length and divide them into batches.

    Args:
        lengths: Samples of each window.
        options: Windows and seconds of padded audio that a batch may hold; one window always may.
        sample_rate: In Hz.

    Returns:
        Positions in `lengths`, the longest first: the memory that the first batch takes serves
        the others too.
    """
    limit = options.max_audio_s * sample_rate
    batches: list[list[int]] = []
    for position in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        if batches:
            batch = batches[-1]
            padded = lengths[batch[0]] * (len(batch) + 1)
            if len(batch) < options.size and padded <= limit:
                batch.append(position)
                continue
        batches.append([position])
    return batches


class BatchRunner:
    """Recognises lists of windows: features, encoder, search."""

    def __init__(
        self,
        model: AcousticModel,
        search: Search,
        features: FeatureExtractor,
        options: BatchOptions,
    ) -> None:
        check_batch(options)
        self._model = model
        self._search = search
        self._features = features
        self._options = options

    def run(self, windows: Sequence[FloatArray]) -> Iterator[tuple[int, Result]]:
        """Recognise windows in batches.

        Yields:
            The position of each window and its hypothesis, frames counted from the window's
            start, as the batches are done; or the `BackendError` of a window that failed alone.
        """
        lengths = [len(samples) for samples in windows]
        hop = self._model.config.time_base.hop
        for position, length in enumerate(lengths):
            if length < hop:
                yield position, Hypothesis.empty()
        audible = [position for position, length in enumerate(lengths) if length >= hop]
        rate = self._model.config.time_base.sample_rate
        for batch in group([lengths[i] for i in audible], self._options, rate):
            rows = [audible[i] for i in batch]
            yield from zip(rows, self._recognise([windows[i] for i in rows]), strict=True)

    def _recognise(self, windows: Sequence[FloatArray]) -> list[Result]:
        """Recognise one batch; one that fails or does not fit the device is halved."""
        try:
            return [*self._search(self._model.encode(self._features(windows)))]
        except BackendError as error:
            if len(windows) == 1:
                return [error]
        edges = (0, len(windows) // 2, len(windows))
        halves: Iterable[tuple[int, int]] = pairwise(edges)
        return [one for begin, end in halves for one in self._recognise(windows[begin:end])]
