"""Trains and opens the SentencePiece model: unigram, case and punctuation kept."""

import argparse
import gzip
from collections.abc import Iterable
from pathlib import Path

import sentencepiece

FILE_NAME = "tokenizer.model"


def train_tokenizer(sentences: Iterable[str], path: Path, size: int = 256) -> None:
    """Writes a unigram model of `size` pieces without sentence marks; piece 0 is <unk>."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(sentences),
            model_writer=file,
            vocab_size=size,
            model_type="unigram",
            character_coverage=1.0,
            normalization_rule_name="identity",
            bos_id=-1,
            eos_id=-1,
            pad_id=-1,
            unk_id=0,
            minloglevel=2,
        )


def open_tokenizer(path: Path) -> sentencepiece.SentencePieceProcessor:
    """Opens a SentencePiece model file."""
    return sentencepiece.SentencePieceProcessor(model_file=str(path))


def read_sentences(path: Path) -> list[str]:
    """Reads one sentence a line from a text file, gzipped or not."""
    data = path.read_bytes()
    text = gzip.decompress(data) if path.suffix == ".gz" else data
    return [line for line in text.decode("utf-8").splitlines() if line.strip()]


def main() -> None:
    """Trains a tokenizer from text files."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("texts", nargs="+", type=Path, help="one sentence a line, .gz or not")
    parser.add_argument("--out", type=Path, required=True, help="the .model file to write")
    parser.add_argument("--size", type=int, default=256)
    arguments = parser.parse_args()
    sentences = [line for path in arguments.texts for line in read_sentences(path)]
    train_tokenizer(sentences, arguments.out, arguments.size)


if __name__ == "__main__":
    main()
