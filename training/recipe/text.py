"""Sentences to be spoken: read, filter, and split into train and held-out.

    python -m recipe.text --out sentences.txt.gz emma.txt alice.txt

makes the file of sentences out of books in plain text.
"""

import argparse
import gzip
import random
import re
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

Split = Literal["train", "held"]

HELD_SHARE = 50
"""One sentence in this many is held out."""

_ALLOWED = re.compile(r"[A-Za-z ,.!?'\-]+")
_END = re.compile(r"[.!?]$")
_ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|St|Messrs|Esq|No|vol|etc|ch|ver|i\.e|e\.g|[A-Z])\.$")


def read_sentences(path: Path) -> list[str]:
    """Read one sentence a line from a text file, gzipped or not; in order, without repetitions."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        return list(dict.fromkeys(filter(None, (line.strip() for line in file))))


def is_speakable(sentence: str, words: tuple[int, int] = (2, 26)) -> bool:
    """Whether every engine will read the sentence as it is written.

    Only letters, spaces and `,.!?'-`; a capital at the start, an end mark, no words in capitals
    (engines spell them), no abbreviations that two engines might read in two ways.

    Args:
        sentence: The sentence.
        words: Least and greatest number of words.
    """
    count = len(sentence.split())
    return (
        words[0] <= count <= words[1]
        and len(sentence) <= 170
        and _ALLOWED.fullmatch(sentence) is not None
        and sentence[0].isupper()
        and _END.search(sentence) is not None
        and not re.search(r"[A-Z]{2,}|\b(?:St|Esq|No|vol|etc|ch)\.|\.[a-z]|--|\.\.", sentence)
    )


def split_of(sentence: str) -> Split:
    """Which split a sentence belongs to: fixed by its letters, whatever the file it comes from."""
    key = re.sub(r"[^a-z]+", " ", sentence.lower()).strip()
    return "held" if zlib.crc32(key.encode()) % HELD_SHARE == 0 else "train"


def script(path: Path, split: Split, seed: int, voice: str = "") -> list[str]:
    """The sentences of one split in the order in which they are to be spoken.

    Every voice trains on an order of its own: were it the same for all, a few hours each would be
    the same few sentences, which the predictor learns by heart. Held-out sentences come in one
    order, so that the error rates of voices compare.
    """
    chosen = [s for s in read_sentences(path) if is_speakable(s) and split_of(s) == split]
    key = f"{voice} {seed}" if voice and split == "train" else seed
    random.Random(key).shuffle(chosen)
    return chosen


def sentences_of_book(text: str) -> list[str]:
    """Sentences of a plain-text book, such as those of Project Gutenberg or a Debian package.

    Paragraphs are separated by empty lines. Quotation marks and brackets are dropped, dashes,
    colons and semicolons become commas, and what is not speakable is left out.
    """
    start, end = text.find("*** START"), text.find("*** END")
    text = text[max(start, 0) : end if end > 0 else len(text)].replace("\r", "")
    text = text.translate(str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "—": "-"}))
    paragraphs = re.split(r"\n\s*\n", text)
    found = (s for part in paragraphs for s in _cut(_tidy(part).split()))
    return list(dict.fromkeys(s for s in found if is_speakable(s)))


def write_sentences(sentences: Iterable[str], path: Path) -> None:
    """Write one sentence a line, gzipped if the name ends in `.gz`."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", encoding="utf-8") as file:
        file.writelines(sentence + "\n" for sentence in sentences)


def _tidy(paragraph: str) -> str:
    text = re.sub(r"\[[^\]]*\]|[_*\"()]", "", paragraph)
    text = re.sub(r"(?:^|(?<=\s))'+|(?<=[.,!?])'+|'+(?=\s|$)", "", text)
    text = re.sub(r"\s*(?:--+|-(?=\s)|(?<=\s)-|[;:])\s*", ", ", text)
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"\s*,(?:\s*,)*\s*", ", ", text)
    return re.sub(r",?\s*([.!?])", r"\1", text).strip(" ,")


def _cut(words: list[str]) -> list[str]:
    sentences, current = [], []
    for word in words:
        current.append(word)
        if _END.search(word) and not _ABBREVIATION.search(word):
            sentences.append(" ".join(current).strip(" ,"))
            current = []
    return sentences


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Make a file of sentences out of books.")
    parser.add_argument("books", type=Path, nargs="+", help="books in plain text, UTF-8")
    parser.add_argument("--out", type=Path, required=True, help="one sentence a line, txt or gz")
    parser.add_argument("--seed", type=int, default=0, help="of the order of the sentences")
    given = parser.parse_args(arguments)
    texts = (book.read_text(encoding="utf-8", errors="replace") for book in given.books)
    sentences = sorted({sentence for text in texts for sentence in sentences_of_book(text)})
    random.Random(given.seed).shuffle(sentences)
    write_sentences(sentences, given.out)


if __name__ == "__main__":
    main()
