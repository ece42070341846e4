"""Word error rates of a checkpoint or an exported model, source by source."""

import argparse
import csv
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jiwer
import numpy as np
import sentencepiece
import soundfile
import torch
from whisper_normalizer.english import EnglishTextNormalizer

from recipe.batches import HELD, pack_names
from recipe.checkpoint import load_model
from recipe.features import LogMel
from recipe.model import TdtModel
from recipe.onnx_search import OnnxModel
from recipe.packs import open_pack, read_table
from recipe.search import search_ctc, search_tdt
from recipe.tokenizer import FILE_NAME, open_tokenizer


@dataclass(frozen=True)
class Samples:
    """Utterances of one source: waves at 16 kHz and what is said in them."""

    waves: list[np.ndarray]
    texts: list[str]


@dataclass(frozen=True)
class Score:
    """Word error rates in percent, and the texts the TDT search found."""

    ctc: float
    tdt: float
    heard: list[str]


def held_samples(folder: Path, count: int) -> dict[str, Samples]:
    """Takes the first `count` utterances of every held-out pack."""
    found = {}
    for name in pack_names(folder, held=True):
        pack = open_pack(folder, name)
        indices = range(min(count, pack.count))
        waves = [pack.audio(i).astype(np.float32) / 32768 for i in indices]
        if waves:
            found[name.removesuffix(f"-{HELD}")] = Samples(waves, [pack.text(i) for i in indices])
    return found


def voice_samples(folder: Path, count: int) -> dict[str, Samples]:
    """Like `held_samples`, but apart by whether the voice was trained on."""
    found = {}
    for name in pack_names(folder, held=True):
        source = name.removesuffix(f"-{HELD}")
        pack, trained = open_pack(folder, name), _voices(folder / f"{source}-train.tsv")
        for kind, wanted in (("new voices", False), ("new sentences", True)):
            picked = [i for i in range(pack.count) if (pack.voice(i) in trained) is wanted][:count]
            waves = [pack.audio(i).astype(np.float32) / 32768 for i in picked]
            if waves:
                found[f"{source}, {kind}"] = Samples(waves, [pack.text(i) for i in picked])
    return found


def _voices(table: Path) -> set[str]:
    return {entry.voice for entry in read_table(table)} if table.exists() else set()


def real_samples(folder: Path, count: int | None = None) -> dict[str, Samples]:
    """Reads recordings listed in `transcripts.tsv` (file, seconds, speaker, source, text).

    Takes `count` of each source, spread evenly over the list; all of them without a count.
    """
    by_source: dict[str, list[dict[str, str]]] = defaultdict(list)
    with (folder / "transcripts.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            by_source[row["source"]].append(row)
    found = {}
    for source, rows in by_source.items():
        if count is not None and len(rows) > count:
            rows = [rows[i * len(rows) // count] for i in range(count)]
        waves = [soundfile.read(folder / row["file"], dtype="float32")[0] for row in rows]
        found[source] = Samples(waves, [row["text"] for row in rows])
    return found


def word_error_rate(texts: Sequence[str], heard: Sequence[str]) -> float:
    """Returns the word error rate in percent after Whisper's English normalisation."""
    normalize = EnglishTextNormalizer()
    pairs = [(normalize(text), normalize(found)) for text, found in zip(texts, heard, strict=True)]
    kept = [pair for pair in pairs if pair[0]]
    return round(100 * jiwer.wer([pair[0] for pair in kept], [pair[1] for pair in kept]), 2)


@torch.no_grad()
def score_model(
    model: TdtModel, tokenizer: sentencepiece.SentencePieceProcessor, samples: Samples
) -> Score:
    """Scores both heads of a model, which is left in evaluation mode."""
    model.eval()
    device = model.joint.pred.weight.device
    logmel = LogMel(model.config.mel_bins).to(device)
    by_ctc, by_tdt = [], []
    for wave in samples.waves:
        audio = torch.from_numpy(wave).to(device)[None]
        features, frames = logmel(audio, torch.tensor([len(wave)], device=device))
        encoded, count = model.encoder(features, frames)
        by_ctc.append(tokenizer.decode(search_ctc(model, encoded[0], int(count))))
        by_tdt.append(tokenizer.decode(search_tdt(model, encoded[0], int(count))))
    rates = [word_error_rate(samples.texts, heard) for heard in (by_ctc, by_tdt)]
    return Score(rates[0], rates[1], by_tdt)


def score_graphs(model: OnnxModel, samples: Samples) -> float:
    """Returns the word error rate of exported graphs."""
    return word_error_rate(samples.texts, [model.recognize(wave) for wave in samples.waves])


def main() -> None:
    """Writes the word error rate of every source as JSON, for a checkpoint or exported graphs."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("model", type=Path, help="a checkpoint, or a folder of ONNX graphs")
    parser.add_argument("--data", type=Path, required=True, help="held-out packs and tokenizer")
    parser.add_argument("--real", type=Path, help="folder of real speech with transcripts.tsv")
    parser.add_argument("--count", type=int, default=200, help="utterances of each source")
    parser.add_argument("--int8", action="store_true", help="score the quantised graphs")
    parser.add_argument("--averaged", action="store_true", help="score the averaged weights")
    parser.add_argument("--voices", action="store_true", help="known and new voices apart")
    arguments = parser.parse_args()
    take = voice_samples if arguments.voices else held_samples
    sources = take(arguments.data, arguments.count)
    if arguments.real:
        sources |= real_samples(arguments.real, arguments.count)
    rates: dict[str, object] = {}
    if arguments.model.is_dir():
        graphs = OnnxModel(arguments.model, int8=arguments.int8)
        rates = {name: score_graphs(graphs, samples) for name, samples in sources.items()}
    else:
        model = load_model(arguments.model, averaged=arguments.averaged)
        tokenizer = open_tokenizer(arguments.data / FILE_NAME)
        for name, samples in sources.items():
            found = score_model(model, tokenizer, samples)
            rates[name] = {"ctc": found.ctc, "tdt": found.tdt}
    json.dump(rates, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
