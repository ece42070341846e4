import gzip
from pathlib import Path

import pytest

from recipe.text import (
    is_speakable,
    main,
    read_sentences,
    script,
    sentences_of_book,
    split_of,
    write_sentences,
)

LETTERS = "abcdefghijklmnopqrstuvwxyz"
MANY = [f"The letter {a} met the letter {b}." for a in LETTERS for b in LETTERS]


@pytest.mark.parametrize("name", ["s.txt", "s.txt.gz"])
def test_sentences_come_back_from_both_kinds_of_file(tmp_path: Path, name: str) -> None:
    write_sentences(["One is here.", "Two.", "One is here."], tmp_path / name)
    assert read_sentences(tmp_path / name) == ["One is here.", "Two."]


def test_the_gz_file_is_gzip(tmp_path: Path) -> None:
    write_sentences(["One."], tmp_path / "s.gz")
    assert gzip.decompress((tmp_path / "s.gz").read_bytes()) == b"One.\n"


@pytest.mark.parametrize(
    "sentence", ["Are you going somewhere?", "Mr. Darcy's well-known aunt, of course!"]
)
def test_plain_sentences_are_speakable(sentence: str) -> None:
    assert is_speakable(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "no capital.",
        "No end",
        "In 1812 it fell.",
        "The USA won.",
        "Hm.",
        "St. Paul came.",
        "Wait...",
    ],
)
def test_what_engines_read_differently_is_not_speakable(sentence: str) -> None:
    assert not is_speakable(sentence)


def test_the_split_ignores_case_and_punctuation() -> None:
    assert {split_of(s) for s in ("Go on, then!", "go on then", "Go on then.")} in (
        {"train"},
        {"held"},
    )


def test_the_splits_share_no_sentence_and_lose_none(tmp_path: Path) -> None:
    write_sentences(MANY, tmp_path / "s.txt")
    train, held = (set(script(tmp_path / "s.txt", s, 0)) for s in ("train", "held"))
    assert not train & held
    assert train | held == set(MANY)
    assert 0 < len(held) < len(MANY) / 10


def test_the_order_depends_on_the_seed_only(tmp_path: Path) -> None:
    write_sentences(MANY, tmp_path / "s.txt")
    first, again, other = (script(tmp_path / "s.txt", "train", seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert sorted(first) == sorted(other)


def test_every_voice_trains_on_an_order_of_its_own(tmp_path: Path) -> None:
    """Held-out sentences keep theirs, for comparison."""
    write_sentences(MANY, tmp_path / "s.txt")
    path = tmp_path / "s.txt"
    first, other = (script(path, "train", 0, voice) for voice in ("flite", "joe"))
    assert first != other
    assert sorted(first) == sorted(other)
    assert script(path, "held", 0, "flite") == script(path, "held", 0, "joe")


def test_a_book_becomes_clean_sentences() -> None:
    book = (
        "A licence.\n\n*** START OF THE BOOK ***\n\nCHAPTER I\n\n“Well,” said Mrs. Hill;\n"
        "“it _is_ late!”  Nobody's home--not\neven he.\n\nIn 1812 all left.\n\n*** END ***\n\nMore."
    )
    assert sentences_of_book(book) == [
        "Well, said Mrs. Hill, it is late!",
        "Nobody's home, not even he.",
    ]


def test_the_command_makes_a_file_of_sentences(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("He went home. She did not go.")
    (tmp_path / "b.txt").write_text("He went home.\n\nAll was well!")
    main([str(tmp_path / "a.txt"), str(tmp_path / "b.txt"), "--out", str(tmp_path / "s.gz")])
    expected = ["All was well!", "He went home.", "She did not go."]
    assert sorted(read_sentences(tmp_path / "s.gz")) == expected
