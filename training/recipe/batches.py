"""Rounds of batches: sources mixed by weight, lengths in buckets, made ahead in a thread.

A round is about an hour of speech drawn from all packs. What it holds follows from the seed, the
round's number and the packs' sizes at its start alone, so a resumed run goes on exactly.
"""

import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import sentencepiece
import torch
from torch import Tensor

from recipe.augment import augment, mask_features
from recipe.config import Stage, TrainConfig
from recipe.features import HOP, LogMel
from recipe.packs import Pack, open_pack

RATE = 16_000
SHORTEST = 0.5
FRAMES_PER_SECOND = 12.5
NO_PHONE = -100
HELD = "held"
SILENCE = "pau"


@dataclass(frozen=True)
class Batch:
    """One step's data.

    Attributes:
        features: (B, M, T), normalised and masked.
        frames: Valid mel frames, (B,).
        tokens: (B, U), zero past each item's count.
        labels: Tokens of each item, (B,).
        phones: Phone labels at `phone_rate` an encoder frame, -100 where unknown, (B, S * rate).
        seconds: Speech in the batch over all workers, before speed changes.
        position: Number of this batch in its round.
    """

    features: Tensor
    frames: Tensor
    tokens: Tensor
    labels: Tensor
    phones: Tensor
    seconds: float
    position: int


@dataclass(frozen=True)
class Utterance:
    """Where one utterance of a round lies, and what it says in tokens."""

    pack: Pack
    index: int
    seconds: float
    tokens: list[int]


class PhoneTable:
    """Numbers phones in the order in which they are first met."""

    def __init__(self, names: Sequence[str] = (), size: int = 128) -> None:
        self.index = {name: number for number, name in enumerate(names)}
        self.size = size

    @property
    def names(self) -> list[str]:
        """The phones by number."""
        return list(self.index)

    def label(self, phones: Sequence[tuple[str, float]], count: int, rate: float) -> np.ndarray:
        """Returns `count` labels at `rate` a second; silence past the last phone's end."""
        labels = np.full(count, NO_PHONE, dtype=np.int64)
        start = 0
        for name, end in phones:
            stop = min(count, round(end * rate))
            labels[start:stop] = self.number(name)
            start = max(start, stop)
        labels[start:] = self.number(SILENCE)
        return labels

    def number(self, name: str) -> int:
        """Returns a phone's number, a new one where there is room, or else -100."""
        if name not in self.index and len(self.index) < self.size:
            self.index[name] = len(self.index)
        return self.index.get(name, NO_PHONE)


def pack_names(folder: Path, *, held: bool = False) -> list[str]:
    """Lists the packs of a folder, either those to train on or those held out."""
    names = sorted(path.stem for path in folder.glob("*.tsv"))
    return [name for name in names if name.endswith(HELD) is held]


def pack_sizes(folder: Path, packs: Mapping[str, float]) -> dict[str, int]:
    """Returns how many utterances each usable pack holds now."""
    names = [name for name in pack_names(folder) if _weight(name, packs) > 0]
    return {name: open_pack(folder, name).count for name in names}


def _weight(name: str, packs: Mapping[str, float]) -> float:
    for pattern, weight in packs.items():
        if fnmatch(name, pattern):
            return weight
    return 0.0


@dataclass(frozen=True)
class Round:
    """What decides a round: its number, its stage and the sizes of the packs at its start."""

    number: int
    stage: Stage
    sizes: Mapping[str, int]


class Rounds:
    """Draws rounds from a data folder and makes their batches."""

    def __init__(
        self,
        folder: Path,
        config: TrainConfig,
        tokenizer: sentencepiece.SentencePieceProcessor,
        phones: PhoneTable,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        self.folder = folder
        self.config = config
        self.tokenizer = tokenizer
        self.phones = phones
        self.rank, self.workers = share
        self.logmel = LogMel(config.model.mel_bins)

    def plan(self, which: Round) -> list[list[Utterance]]:
        """Returns the round's batches for all workers, a worker's turn after the other's."""
        random = np.random.default_rng([self.config.seed, which.number])
        chosen = self._draw(which, random)
        self._meet_phones(chosen)
        limit = which.stage.batch_seconds
        noisy = [(one.seconds * random.uniform(0.93, 1.07), i) for i, one in enumerate(chosen)]
        batches: list[list[Utterance]] = [[]]
        for _, i in sorted(noisy):
            longest = max([chosen[i].seconds, *(one.seconds for one in batches[-1])])
            if batches[-1] and longest * (len(batches[-1]) + 1) > limit:
                batches.append([])
            batches[-1].append(chosen[i])
        groups = [
            batches[at : at + self.workers]
            for at in range(0, len(batches) - self.workers + 1, self.workers)
        ]
        order = random.permutation(len(groups))
        return [batch for group in order for batch in groups[group]]

    def _draw(self, which: Round, random: np.random.Generator) -> list[Utterance]:
        """Draws utterances until every pack has filled its share of the round."""
        packs = {name: open_pack(self.folder, name) for name in sorted(which.sizes)}
        shares = {}
        for name, pack in packs.items():
            samples = sum(entry.samples for entry in pack.entries[: which.sizes[name]])
            hours = samples / RATE / 3600
            shares[name] = _weight(name, which.stage.packs) * hours**self.config.balance
        wanted = self.config.round_hours * 3600 / max(sum(shares.values()), 1e-9)
        chosen: list[Utterance] = []
        for name, pack in packs.items():
            chosen += self._draw_from(pack, which, wanted * shares[name], random)
        return chosen

    def _meet_phones(self, chosen: Sequence[Utterance]) -> None:
        """Numbers the round's phones at its start, so that all workers number them alike."""
        for one in chosen:
            for name, _ in one.pack.phones(one.index) or ():
                self.phones.number(name)
        self.phones.number(SILENCE)

    def _draw_from(
        self, pack: Pack, which: Round, seconds: float, random: np.random.Generator
    ) -> list[Utterance]:
        drawn: list[Utterance] = []
        while seconds > 0 and which.sizes[pack.name]:
            before = len(drawn)
            for index in random.permutation(which.sizes[pack.name]).tolist():
                utterance = self._open(pack, index, which.stage.longest)
                if utterance is not None:
                    drawn.append(utterance)
                    seconds -= utterance.seconds
                if seconds <= 0:
                    break
            if len(drawn) == before:
                break
        return drawn

    def _open(self, pack: Pack, index: int, longest: float) -> Utterance | None:
        """Returns the utterance if its length is usable and its text fits its frames."""
        seconds = pack.entries[index].samples / RATE
        if not SHORTEST <= seconds <= longest:
            return None
        tokens = self.tokenizer.encode(pack.text(index))
        fits = 0 < len(tokens) <= 0.95 * FRAMES_PER_SECOND * seconds
        return Utterance(pack, index, seconds, tokens) if fits else None

    def batches(self, which: Round, start: int = 0) -> Iterator[Batch]:
        """Yields this worker's batches of a round from number `start` on."""
        plan = self.plan(which)
        for position in range(start, len(plan) // self.workers):
            group = plan[position * self.workers : (position + 1) * self.workers]
            key = [self.config.seed, which.number, position, self.rank]
            random = np.random.default_rng(key)
            total = sum(one.seconds for batch in group for one in batch)
            yield self._make(group[self.rank], which.stage, random, (total, position))

    def _make(
        self,
        utterances: Sequence[Utterance],
        stage: Stage,
        random: np.random.Generator,
        facts: tuple[float, int],
    ) -> Batch:
        waves, factors = [], []
        for one in utterances:
            wave = one.pack.audio(one.index).astype(np.float32) / 32768
            changed = augment(wave, random, stage.augment)
            if len(changed) // HOP < 8 * (len(one.tokens) + 1):
                changed = wave
            waves.append(changed)
            factors.append(len(changed) / len(wave))
        lengths = torch.tensor([len(wave) for wave in waves])
        audio = _stack([torch.from_numpy(wave) for wave in waves])
        features, frames = self.logmel(audio, lengths)
        mask_features(features, frames.tolist(), random, stage.augment)
        tokens = [torch.tensor(one.tokens) for one in utterances]
        labels = torch.tensor([len(one) for one in tokens])
        phones = self._phone_labels(utterances, frames, factors)
        return Batch(features, frames, _stack(tokens), labels, phones, *facts)

    def _phone_labels(
        self, utterances: Sequence[Utterance], frames: Tensor, factors: Sequence[float]
    ) -> Tensor:
        rate = self.config.model.phone_rate
        encoded = (frames - 1) // 8 + 1
        labels = torch.full((len(utterances), int(encoded.max()) * rate), NO_PHONE)
        for row, one, count, factor in zip(labels, utterances, encoded, factors, strict=True):
            phones = one.pack.phones(one.index)
            if phones:
                stretched = [(name, end * factor) for name, end in phones]
                many = int(count) * rate
                found = self.phones.label(stretched, many, rate * FRAMES_PER_SECOND)
                row[:many] = torch.from_numpy(found)
        return labels


def _stack(items: Sequence[Tensor]) -> Tensor:
    return torch.nn.utils.rnn.pad_sequence(list(items), batch_first=True)


def ahead(batches: Iterator[Batch], depth: int = 3) -> Iterator[Batch]:
    """Makes batches in a thread, up to `depth` of them ahead; raises what the thread raised."""
    line: queue.Queue[Batch | Exception | None] = queue.Queue(depth)
    stop = threading.Event()

    def put(item: Batch | Exception | None) -> None:
        while not stop.is_set():
            try:
                line.put(item, timeout=0.5)
            except queue.Full:
                continue
            return

    def run() -> None:
        try:
            for batch in batches:
                put(batch)
                if stop.is_set():
                    return
            put(None)
        except Exception as error:  # noqa: BLE001 - handed to the consumer, which raises it
            put(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        while (item := line.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()
