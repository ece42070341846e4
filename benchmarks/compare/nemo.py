"""NeMo itself, in PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from nemo.collections.asr.parts.utils.streaming_utils import (
    ContextSize,
    StreamingBatchedAudioBuffer,
)
from numpy.typing import NDArray

from benchmarks.compare.live import RATE, Timed, words_of
from benchmarks.compare.protocol import Clip, Found, chunks, pad
from benchmarks.nemo_reference import default_head, find_tokens, restore

FRAME = 1_280  # samples


class Nemo:
    """A `.nemo` archive, without `transcribe` (which changes the model's mode)."""

    def load(self, model: Path, precision: str, threads: int) -> None:
        if precision != "fp32":
            raise SystemExit("NeMo on a CPU computes in fp32")
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        self._model = restore(model if model.is_file() else model / "model.nemo", 10)
        self._head = default_head(self._model)

    def transcribe(self, clips: Sequence[Clip], batch: int) -> list[Found]:
        found: list[Found] = []
        for part in chunks(clips, batch):
            found += self.search(self.encode(self.features(part)))
        return found

    def features(self, clips: Sequence[Clip]) -> Any:
        samples, lengths = (torch.from_numpy(array) for array in pad(clips))
        return self._model.preprocessor(input_signal=samples, length=lengths)

    def encode(self, features: Any) -> Any:
        return self._model.encoder(audio_signal=features[0], length=features[1])

    def search(self, encoded: Any) -> list[Found]:
        """Choose tokens; durations are only right in batches of one (see nemo_reference.py)."""
        return [Found(**result) for result in find_tokens(self._model, *encoded, self._head)]

    def export(self, encoded: Any) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        return encoded[0].numpy().transpose(0, 2, 1), encoded[1].numpy()

    def adopt(self, frames: NDArray[np.float32], lengths: NDArray[np.int64]) -> Any:
        return torch.from_numpy(frames).transpose(1, 2), torch.from_numpy(lengths)

    def live(self, left_s: float, chunk_s: float, right_s: float) -> NemoLive:
        """Open a stream by the parts of NeMo's own buffered streaming script."""
        frames = [round(seconds * RATE) // FRAME for seconds in (left_s, chunk_s, right_s)]
        return NemoLive(self._model, ContextSize(*(count * FRAME for count in frames)))


class NemoLive:
    """NeMo's buffered streaming: [left | chunk | right] encoded anew, the search carried on."""

    def __init__(self, model: Any, context: ContextSize) -> None:
        self._model = model
        self._computer = model.decoding.decoding.decoding_computer
        self._buffer = StreamingBatchedAudioBuffer(1, context, torch.float32, "cpu")
        self._context = context
        self._waiting = np.zeros(0, np.float32)
        self._first = True
        self._state: Any = None
        self._tokens: list[tuple[str, float]] = []

    def push(self, samples: Clip) -> tuple[list[Timed], list[Timed]]:
        self._waiting = np.concatenate([self._waiting, samples])
        wanted = self._context.chunk + (self._context.right if self._first else 0)
        # The last piece must be known as such: audio that may be it waits for what follows.
        while len(self._waiting) > wanted:
            self._hear(self._waiting[:wanted], last=False)
            self._waiting = self._waiting[wanted:]
            wanted = self._context.chunk
        return words_of(self._tokens), []

    def finish(self) -> tuple[list[Timed], list[Timed]]:
        self._hear(self._waiting, last=True)
        return words_of(self._tokens), []

    def _hear(self, samples: Clip, *, last: bool) -> None:
        count = torch.tensor([len(samples)])
        ending = torch.tensor([last])
        self._buffer.add_audio_batch_(
            torch.from_numpy(samples)[None],
            audio_lengths=count,
            is_last_chunk=last,
            is_last_chunk_batch=ending,
        )
        whole = self._buffer.context_size_batch
        encoded, lengths = self._model(
            input_signal=self._buffer.samples, input_signal_length=whole.total()
        )
        left = self._buffer.context_size.subsample(factor=FRAME).left
        parts = whole.subsample(factor=FRAME)
        found, self._state = self._computer(
            x=encoded.transpose(1, 2)[:, left:],
            out_len=torch.where(ending, lengths - parts.left, parts.chunk),
            prev_batched_state=self._state,
        )
        size = int(found.current_lengths[0])
        ids = found.transcript[0, :size].tolist()
        ends = (found.timestamps[0, :size] + 1).tolist()
        pieces = self._model.tokenizer.ids_to_tokens(ids)
        self._tokens += [(text, end * 0.08) for text, end in zip(pieces, ends, strict=True)]
        self._first = False
