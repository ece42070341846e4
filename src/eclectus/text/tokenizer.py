"""The pieces of a vocabulary and the text that they spell (SentencePiece's conventions)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from os import PathLike
from pathlib import Path
from typing import Self

from eclectus.core.errors import ModelFilesError
from eclectus.core.regular_files import read_bounded
from eclectus.core.types import IntArray

WORD_START = "▁"
BLANK_PIECES = frozenset({"<blk>", "<blank>", "<b>"})

_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_MAX_BYTES = 64 * 1024 * 1024
_SPECIAL = re.compile(r"<[^<>\s]+>")
UNDECODABLE = "\ufffd"
"""Stands for bytes that are no character by themselves."""


class PieceTokenizer:
    """Turns ids into text; implements `eclectus.core.protocols.Tokenizer`.

    A piece is one of three kinds: plain text, in which `▁` is a space; a byte (`<0xE2>`), which
    is UTF-8 together with its neighbours; or special (`<unk>`, `<|en|>`, `<pad>`, `<EOU>`),
    which has no text. It does not turn text into ids: recognition never needs that.
    """

    def __init__(self, pieces: Sequence[str]) -> None:
        """Take the pieces in the order of their ids, without blank."""
        self._pieces = tuple(pieces)
        self._bytes = tuple(_byte_of(piece) for piece in self._pieces)
        self._surfaces = tuple(map(_surface, self._pieces, self._bytes))
        self._specials = {
            piece: number for number, piece in enumerate(self._pieces) if _SPECIAL.fullmatch(piece)
        }

    @classmethod
    def from_file(cls, path: str | PathLike[str]) -> Self:
        """Read a `vocab.txt` or `tokens.txt`: lines of "piece id", blank with the last id.

        Raises:
            ModelFilesError: The file can't be read, a line has another form, an id occurs twice
                or is missing, or the last piece is not blank.
        """
        return cls(_read_pieces(Path(path)))

    def __len__(self) -> int:
        """Number of pieces without blank."""
        return len(self._pieces)

    def piece(self, token_id: int) -> str:
        """Surface text of one id: a leading space where a word starts, empty for special ids.

        A byte that is no character by itself gives U+FFFD; `text` puts such bytes together.

        Raises:
            IndexError: The id is not in [0, V).
        """
        return self._surfaces[self._checked(token_id)]

    def special_id(self, piece: str) -> int | None:
        """Id of a special piece such as `<EOU>`; None if the vocabulary has none."""
        return self._specials.get(piece)

    def text(self, token_ids: IntArray | list[int]) -> str:
        """Text of a sequence, byte pieces put together, without space around it.

        Bytes that are not UTF-8 give U+FFFD.

        Raises:
            IndexError: An id is not in [0, V).
        """
        ids = [self._checked(token_id) for token_id in token_ids]
        return "".join(self._spell(ids)).replace(WORD_START, " ").strip(" ")

    def _spell(self, ids: list[int]) -> Iterator[str]:
        """Yield plain surfaces, and one string for each run of bytes."""
        for is_byte, run in groupby(ids, key=lambda token_id: self._bytes[token_id] is not None):
            if is_byte:
                values = (self._bytes[token_id] for token_id in run)
                yield bytes(value for value in values if value is not None).decode(errors="replace")
            else:
                yield from (self._surfaces[token_id] for token_id in run)

    def _checked(self, token_id: int) -> int:
        if not 0 <= token_id < len(self._pieces):
            raise IndexError(f"token id {token_id} is outside [0, {len(self._pieces)})")
        return int(token_id)


def _byte_of(piece: str) -> int | None:
    match = _BYTE.fullmatch(piece)
    return int(match[1], 16) if match else None


def _surface(piece: str, byte: int | None) -> str:
    if byte is not None:
        return chr(byte) if byte < 0x80 else UNDECODABLE
    return "" if _SPECIAL.fullmatch(piece) else piece.replace(WORD_START, " ")


def _read_pieces(path: Path) -> list[str]:
    """Return the pieces in the order of their ids, blank taken off."""
    lines: dict[int, int] = {}
    pieces: dict[int, str] = {}
    for number, line in _numbered_lines(path):
        piece, token_id = _parse_line(path, number, line)
        if token_id in pieces:
            raise _file_error(path, number, f"id {token_id} stands on line {lines[token_id]} too")
        lines[token_id], pieces[token_id] = number, piece
    if not pieces:
        raise _file_error(path, None, "the file is empty")
    _check_complete(path, lines)
    ordered = [pieces[token_id] for token_id in range(len(pieces))]
    _check_blank(path, lines, ordered)
    return ordered[:-1]


def _numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    r"""Yield (number from 1, line); only "\n" and "\r\n" end a line: pieces hold odd others."""
    try:
        data = read_bounded(path, _MAX_BYTES)
    except OSError as error:
        reason = error.strerror or str(error)
        raise _file_error(path, None, f"the file can't be read ({reason})") from error
    try:
        text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        raise _file_error(path, number, "not UTF-8 text") from error
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    yield from enumerate(lines, start=1)


def _parse_line(path: Path, number: int, line: str) -> tuple[str, int]:
    """Split "piece id"; the piece may hold spaces itself, and be a space."""
    piece, separator, digits = line.rpartition("\t" if "\t" in line.strip("\t") else " ")
    if not separator or not (digits.isascii() and digits.isdigit()):
        raise _file_error(path, number, f'expected "piece id", found {line[:60]!r}')
    # A tool that strips its columns leaves nothing of a piece that is a space.
    return piece or WORD_START, int(digits)


def _check_complete(path: Path, lines: dict[int, int]) -> None:
    missing = next(token_id for token_id in range(len(lines) + 1) if token_id not in lines)
    if missing < len(lines):
        highest = max(lines)
        reason = f"id {highest} is there, but id {missing} is missing"
        raise _file_error(path, lines[highest], reason)


def _check_blank(path: Path, lines: dict[int, int], pieces: list[str]) -> None:
    last = len(pieces) - 1
    if pieces[last] in BLANK_PIECES:
        return
    elsewhere = [token_id for token_id, piece in enumerate(pieces) if piece in BLANK_PIECES]
    found = f"blank has id {elsewhere[0]}" if elsewhere else "there is no blank"
    reason = f"the last piece must be <blk>, as Parakeet has it, but {found}"
    raise _file_error(path, lines[elsewhere[0] if elsewhere else last], reason)


def _file_error(path: Path, line: int | None, reason: str) -> ModelFilesError:
    place = f"{path}:{line}" if line else f"{path}"
    return ModelFilesError(
        f"{place}: {reason}. Fetch the vocabulary again from where the model came from; "
        'its lines are "piece id" with ids 0, 1, 2 … and <blk> last.',
        path=str(path),
        line=line,
        reason=reason,
    )
