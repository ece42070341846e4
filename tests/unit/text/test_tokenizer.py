from pathlib import Path

import numpy as np
import pytest

from eclectus.core.errors import ModelFilesError
from eclectus.text.tokenizer import PieceTokenizer

PIECES = ["<unk>", "<|en|>", "<pad>", "<EOU>", "▁", "▁the", "n", ",", "<0xE2>", "<0x80>", "<0xA6>"]


def ids(*pieces: str) -> list[int]:
    return [PIECES.index(piece) for piece in pieces]


@pytest.fixture
def tokenizer() -> PieceTokenizer:
    return PieceTokenizer(PIECES)


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def test_a_word_start_is_a_leading_space(tokenizer: PieceTokenizer) -> None:
    assert tokenizer.piece(PIECES.index("▁the")) == " the"
    assert tokenizer.piece(PIECES.index("▁")) == " "
    assert tokenizer.piece(PIECES.index("n")) == "n"


@pytest.mark.parametrize("piece", ["<unk>", "<|en|>", "<pad>", "<EOU>"])
def test_a_special_piece_has_no_text(tokenizer: PieceTokenizer, piece: str) -> None:
    assert tokenizer.piece(PIECES.index(piece)) == ""
    assert tokenizer.text(ids("▁the", piece, "n")) == "then"


def test_bytes_are_put_together(tokenizer: PieceTokenizer) -> None:
    assert tokenizer.text(ids("▁the", "<0xE2>", "<0x80>", "<0xA6>", "n")) == "the…n"


def test_broken_bytes_give_one_replacement_character(tokenizer: PieceTokenizer) -> None:
    assert tokenizer.text(ids("▁the", "<0xE2>", "<0x80>", "n")) == "the\ufffdn"


def test_an_ascii_byte_is_itself_and_another_can_not_be_alone() -> None:
    tokenizer = PieceTokenizer(["<0x41>", "<0xE2>"])
    assert [tokenizer.piece(0), tokenizer.piece(1)] == ["A", "\ufffd"]


def test_angle_brackets_alone_are_plain_text() -> None:
    tokenizer = PieceTokenizer(["▁<", "<", ">", "<>"])
    assert tokenizer.text([0, 1, 2, 3]) == "<<><>"


def test_ids_may_come_as_an_array(tokenizer: PieceTokenizer) -> None:
    assert tokenizer.text(np.array(ids("▁the", "n"))) == "then"


@pytest.mark.parametrize("token_id", [-1, len(PIECES)])
def test_an_id_outside_of_the_vocabulary_is_refused(
    tokenizer: PieceTokenizer, token_id: int
) -> None:
    with pytest.raises(IndexError, match="outside"):
        tokenizer.piece(token_id)


def test_a_file_gives_the_pieces_without_blank(tmp_path: Path) -> None:
    path = write(tmp_path / "vocab.txt", "<unk> 0\n▁the 1\nn 2\n<blk> 3\n")
    tokenizer = PieceTokenizer.from_file(path)
    assert len(tokenizer) == 3
    assert tokenizer.text([1, 2]) == "then"


def test_windows_line_ends_a_byte_order_mark_and_blank_last_lines_do_no_harm(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "tokens.txt", "\ufeff<unk> 0\r\n▁the 1\r\n<blank> 2\r\n\r\n")
    assert PieceTokenizer.from_file(path).piece(1) == " the"


def test_a_piece_may_hold_spaces_and_odd_characters(tmp_path: Path) -> None:
    text = "▁of the 0\n\u2028 1\n\x85x 2\n  3\n 4\n5 5\n\U0001f600 6\n<blk> 7\n"
    tokenizer = PieceTokenizer.from_file(write(tmp_path / "vocab.txt", text))
    surfaces = [tokenizer.piece(token_id) for token_id in range(len(tokenizer))]
    assert surfaces == [" of the", "\u2028", "\x85x", " ", " ", "5", "\U0001f600"]


def test_lines_may_come_in_any_order_and_with_tabs(tmp_path: Path) -> None:
    path = write(tmp_path / "vocab.txt", "<blk>\t2\nb\t1\na\t0\n")
    assert PieceTokenizer.from_file(path).text([0, 1]) == "ab"


def test_a_piece_may_occur_under_two_ids(tmp_path: Path) -> None:
    path = write(tmp_path / "vocab.txt", "a 0\na 1\n<blk> 2\n")
    assert PieceTokenizer.from_file(path).text([0, 1]) == "aa"


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", None, "empty"),
        ("a 0\nb\n<blk> 2\n", 2, "piece id"),
        ("a 0\nb x1\n<blk> 2\n", 2, "piece id"),
        ("a 0\nb ²\n<blk> 2\n", 2, "piece id"),
        ("a 0\n\n<blk> 1\n", 2, "piece id"),
        ("a 0\nb 0\n<blk> 1\n", 2, "id 0 stands on line 1 too"),
        ("a 0\nb 2\n<blk> 3\n", 3, "id 1 is missing"),
        ("a 0\nb 1\n", 2, "there is no blank"),
        ("<blk> 0\na 1\nb 2\n", 1, "blank has id 0"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(
    tmp_path: Path, text: str, line: int | None, reason: str
) -> None:
    path = write(tmp_path / "vocab.txt", text)
    with pytest.raises(ModelFilesError, match=reason) as caught:
        PieceTokenizer.from_file(path)
    place = f"{path}:{line}:" if line else f"{path}:"
    assert str(caught.value).startswith(place)
    assert "Fetch the vocabulary again" in str(caught.value)
    assert caught.value.context["line"] == line


def test_a_file_that_is_not_text_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "vocab.txt"
    path.write_bytes(b"a 0\n\xff\xfe 1\n")
    with pytest.raises(ModelFilesError, match=":2: not UTF-8"):
        PieceTokenizer.from_file(path)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none.txt", tmp_path):
        with pytest.raises(ModelFilesError, match="can't be read"):
            PieceTokenizer.from_file(path)
