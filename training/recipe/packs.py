"""Speech packs: many utterances in three plain files.

A pack `name` in a folder is `name.i16` (all utterances end to end, little-endian int16, 16 kHz,
mono), `name.tsv` (header `start samples voice text`, one line an utterance, counted in samples)
and, for some sources, `name.phones.jsonl` (line i: the phones of utterance i with their ends).
"""

import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
HEADER = "start\tsamples\tvoice\ttext\n"

Samples = NDArray[np.int16]
Phones = list[tuple[str, float]]


class Entry(NamedTuple):
    """One line of the table; `start` and `samples` count samples in the audio file."""

    start: int
    samples: int
    voice: str
    text: str


class PackError(ValueError):
    """The files of a pack do not fit together, or an utterance can't be stored."""


class Pack:
    """A pack opened for reading; the audio stays on disk until it is asked for."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.entries = read_table(folder / f"{name}.tsv")
        audio = folder / f"{name}.i16"
        needed = _end(self.entries)
        if audio.stat().st_size < 2 * needed:
            raise PackError(f"{audio} is shorter than its table says")
        self._samples: Samples = (
            np.memmap(audio, dtype="<i2", mode="r") if needed else np.zeros(0, np.int16)
        )
        self._phones = _lines(folder / f"{name}.phones.jsonl")

    @property
    def count(self) -> int:
        """Number of utterances."""
        return len(self.entries)

    @property
    def seconds(self) -> float:
        """Total length of the audio."""
        return sum(entry.samples for entry in self.entries) / RATE

    def audio(self, index: int) -> Samples:
        """The samples of one utterance, int16 at 16 kHz, a view of the file."""
        entry = self.entries[index]
        return self._samples[entry.start : entry.start + entry.samples]

    def text(self, index: int) -> str:
        """The transcript, with case and punctuation."""
        return self.entries[index].text

    def voice(self, index: int) -> str:
        """The voice or speaker, such as `flite-slt`."""
        return self.entries[index].voice

    def phones(self, index: int) -> Phones | None:
        """Phones with their end times in seconds; None where the pack has none."""
        if index >= len(self._phones):
            return None
        pairs = [(str(phone), float(end)) for phone, end in json.loads(self._phones[index])]
        return pairs or None


class PackWriter:
    """Appends utterances to a pack; a context manager.

    The line in the table is written last, so an interrupted run leaves at most audio without a
    line, which the next writer cuts off.
    """

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f"{name}{end}" for end in (".tsv", ".i16", ".phones.jsonl")]
        self.entries = _repair(*paths)
        self._phones_path = paths[2]
        self._has_phones = paths[2].exists()
        self._end = _end(self.entries)
        self._table = paths[0].open("a", encoding="utf-8", newline="\n")
        self._audio = paths[1].open("ab")

    @property
    def seconds(self) -> float:
        """Total length of the audio so far."""
        return self._end / RATE

    def append(
        self, samples: Samples, voice: str, text: str, phones: Sequence[tuple[str, float]] = ()
    ) -> None:
        """Add one utterance.

        Args:
            samples: int16 at 16 kHz, one dimension, not empty.
            voice: Name of the voice or speaker.
            text: Transcript; one line without tabs.
            phones: Phones with end times in seconds; all utterances of a pack have them, or none.

        Raises:
            PackError: If a part does not fit the format.
        """
        if samples.dtype != np.int16 or samples.ndim != 1 or not samples.size:
            raise PackError("samples must be a non-empty one-dimensional int16 array")
        if any(mark in field for field in (voice, text) for mark in "\t\n\r") or not text:
            raise PackError(f"voice and text must be single lines without tabs: {text!r}")
        if self.entries and self._has_phones != bool(phones):
            raise PackError("either all utterances of a pack have phones, or none")
        self._audio.write(samples.astype("<i2").tobytes())
        self._audio.flush()
        if phones:
            self._has_phones = True
            with self._phones_path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([[name, round(end, 3)] for name, end in phones]) + "\n")
        entry = Entry(self._end, samples.size, voice, text)
        self._table.write("\t".join(map(str, entry)) + "\n")
        self._table.flush()
        self.entries.append(entry)
        self._end += samples.size

    def close(self) -> None:
        """Close the files."""
        self._audio.close()
        self._table.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_pack(folder: Path | str, name: str) -> Pack:
    """Open a pack for reading.

    Raises:
        PackError: If the audio is shorter than the table says, or a line is malformed.
        FileNotFoundError: If there is no such pack.
    """
    return Pack(Path(folder), name)


def read_table(path: Path) -> list[Entry]:
    """Read the complete lines of a pack's table; a last line without its newline is left out."""
    lines = _lines(path)
    if not lines:
        return []
    if lines[0] + "\n" != HEADER:
        raise PackError(f"{path} is not the table of a pack")
    try:
        rows = [line.split("\t") for line in lines[1:]]
        return [Entry(int(start), int(size), voice, text) for start, size, voice, text in rows]
    except ValueError as error:
        raise PackError(f"{path} has a malformed line: {error}") from error


def _lines(path: Path) -> list[str]:
    """The complete lines of a text file; none if there is no file."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    return text[: text.rfind("\n") + 1].split("\n")[:-1]


def _end(entries: Sequence[Entry]) -> int:
    return entries[-1].start + entries[-1].samples if entries else 0


def _repair(table: Path, audio: Path, phones: Path) -> list[Entry]:
    """Cut off what an interrupted append left, and start the files if they are not there."""
    entries = read_table(table)
    have = audio.stat().st_size // 2 if audio.exists() else 0
    while entries and _end(entries) > have:
        entries.pop()
    if phones.exists():
        lines = _lines(phones)
        entries = entries[: len(lines)]
        _keep(phones, "".join(line + "\n" for line in lines[: len(entries)]))
    _keep(table, HEADER + "".join("\t".join(map(str, entry)) + "\n" for entry in entries))
    audio.touch()
    with audio.open("r+b") as file:
        file.truncate(2 * _end(entries))
    return entries


def _keep(path: Path, text: str) -> None:
    """Give the file this text; written beside it and renamed, so that no crash loses it."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    beside = path.with_name(path.name + ".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
