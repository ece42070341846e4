"""Recognising batches of windows: features, encoder, search."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeAlias

import numpy as np

from eclectus.core.errors import BackendError, OutOfMemoryError
from eclectus.core.protocols import AcousticModel, Search
from eclectus.core.types import EncoderOutput, Features, FloatArray, Hypothesis
from eclectus.recognition.pending import Entry, Place

Result: TypeAlias = Hypothesis | BackendError
Found: TypeAlias = list[tuple[Place, Result]]
_Encoded: TypeAlias = EncoderOutput | BackendError


class FeatureExtractor(Protocol):
    """From samples to features."""

    def __call__(self, samples: Sequence[FloatArray]) -> Features:
        """Return the normalised features (B, M, T) of B arrays (N,)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _Underway:
    """A batch in the encoder: its windows, and parts of it as they fit the device."""

    places: list[Place]
    parts: Future[list[tuple[int, _Encoded]]]


class BatchRunner:
    """Recognises batches. Not thread-safe: one caller at a time.

    While the encoder computes one batch in a thread of its own, the caller's thread searches the
    previous batch and reads the next one. Only the caller's thread reads sources.
    """

    def __init__(self, model: AcousticModel, search: Search, features: FeatureExtractor) -> None:
        self._model = model
        self._search = search
        self._features = features
        self._room: float = float("inf")  # mel frames, padding included, that the device holds

    def run(self, batches: Iterable[Sequence[Entry]]) -> Generator[Found, None, None]:
        """Recognise batches.

        Args:
            batches: Windows; taken one batch ahead of what is given back.

        Yields:
            For every batch, in order, its windows and their hypotheses, frames counted from the
            window's start; a `BackendError` for a window that fails even alone. Windows that are
            too short for any feature, and empty batches, come back ahead of the order.
        """
        worker = ThreadPoolExecutor(1, "eclectus-batches")
        try:
            before: _Underway | None = None
            for silent, coming in map(partial(self._begin, worker), batches):
                if silent or coming is None:
                    yield silent
                if coming is None:
                    continue
                if before is not None:
                    yield self._finish(before)
                before = coming
            if before is not None:
                yield self._finish(before)
        finally:
            worker.shutdown(cancel_futures=True)

    def _begin(
        self, worker: ThreadPoolExecutor, batch: Sequence[Entry]
    ) -> tuple[Found, _Underway | None]:
        """Set aside windows that are too short, and start the encoder on the rest.

        Only the worker keeps a reference to the features; nothing keeps one to the samples.
        """
        hop = self._model.config.time_base.hop
        audible = [entry for entry in batch if len(entry.samples) >= hop]
        silent: Found = [
            (entry.place, Hypothesis.empty()) for entry in batch if len(entry.samples) < hop
        ]
        if not audible:
            return silent, None
        features = self._features([entry.samples for entry in audible])
        parts = worker.submit(self._encode, features)
        return silent, _Underway([entry.place for entry in audible], parts)

    def _encode(self, features: Features) -> list[tuple[int, _Encoded]]:
        """Encode a batch; one that fails or does not fit the device is halved.

        Returns:
            Parts in order, each with its number of windows.
        """
        count = len(features.lengths)
        if count > 1 and features.data.shape[0] * features.data.shape[2] > self._room:
            return self._encode_halves(features)
        try:
            return [(count, self._model.encode(features))]
        except BackendError as error:
            if isinstance(error, OutOfMemoryError):
                # The batches that follow are divided before they fail.
                self._room = features.data.shape[0] * features.data.shape[2] / 2
            if count == 1:
                return [(1, error)]
        return self._encode_halves(features)

    def _encode_halves(self, features: Features) -> list[tuple[int, _Encoded]]:
        half = len(features.lengths) // 2
        return [
            part
            for rows in (slice(None, half), slice(half, None))
            for part in self._encode(_rows(features, rows))
        ]

    def _finish(self, batch: _Underway) -> Found:
        results: list[Result] = []
        for count, part in batch.parts.result():
            results += [part] * count if isinstance(part, BackendError) else self._find(part)
        return list(zip(batch.places, results, strict=True))

    def _find(self, encoded: EncoderOutput) -> list[Result]:
        """Search a batch; if that fails, search each window separately."""
        count = len(encoded.lengths)
        try:
            return [*self._search(encoded)]
        except BackendError as error:
            if count == 1:
                return [error]
        return [one for row in range(count) for one in self._find(encoded.take(np.array([row])))]


def _rows(features: Features, rows: slice) -> Features:
    lengths = features.lengths[rows]
    return Features(features.data[rows, :, : int(lengths.max())], lengths)
