"""Compares the tokens that four engines find: NeMo, onnx-asr, sherpa-onnx and eclectus.

    python -m recipe.agree runs/small/onnx --nemo small.nemo --clips recordings [--count 20]

An engine that is not installed is named and left out. Engines may live in environments of their
own: `--python nemo=PATH` gives the interpreter of one. eclectus is the reference.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

Tokens = list[int]

BLANK = "<blk>"
SPACE = "▁"
SUFFIXES = (".flac", ".wav")
HERE = Path(__file__).resolve().parents[1]


def with_eclectus(model: Path, clips: Sequence[Path]) -> list[Tokens]:
    """Asks eclectus; its ids are the model's."""
    import eclectus

    with eclectus.load(model, precision="fp32", threads=1) as recognizer:
        return [[t.id for t in recognizer.transcribe(clip).tokens] for clip in clips]


def with_onnx_asr(model: Path, clips: Sequence[Path]) -> list[Tokens]:
    """Asks onnx-asr, which names the pieces."""
    import onnx_asr

    recognizer = onnx_asr.load_model("nemo-conformer-tdt", model).with_timestamps()
    ids = _ids(model / "vocab.txt")
    found = [recognizer.recognize(_read(clip)).tokens for clip in clips]
    return [[_id(piece, ids) for piece in pieces or ()] for pieces in found]


def with_sherpa_onnx(model: Path, clips: Sequence[Path]) -> list[Tokens]:
    """Asks sherpa-onnx, in a layout that is made for it; it computes features of its own."""
    import sherpa_onnx

    from recipe.sherpa import write_sherpa

    bins = json.loads((model / "config.json").read_text("utf-8"))["features_size"]
    ids = _ids(model / "vocab.txt")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_sherpa(model, folder)
        recognizer = sherpa_onnx.OfflineRecognizer.from_transducer(
            **{name: str(folder / f"{name}.onnx") for name in ("encoder", "decoder", "joiner")},
            tokens=str(folder / "tokens.txt"),
            num_threads=1,
            model_type="nemo_transducer",
            feature_dim=bins,
        )
        found = []
        for clip in clips:
            stream = recognizer.create_stream()
            stream.accept_waveform(16_000, _read(clip))
            recognizer.decode_stream(stream)
            found.append([_id(piece, ids) for piece in stream.result.tokens])
    return found


def with_nemo(model: Path, clips: Sequence[Path]) -> list[Tokens]:
    """Asks NeMo, one clip at a time."""
    import torch
    from nemo.collections.asr.models import ASRModel

    network = ASRModel.restore_from(str(model), map_location="cpu").eval()
    network.preprocessor.featurizer.dither = 0.0
    network.preprocessor.featurizer.pad_to = 0
    found = []
    for clip in clips:
        wave = torch.from_numpy(_read(clip))[None]
        with torch.no_grad():
            encoded, counts = network(
                input_signal=wave, input_signal_length=torch.tensor([wave.shape[1]])
            )
            search = network.decoding.rnnt_decoder_predictions_tensor
            (best,) = search(encoded, counts, return_hypotheses=True)
        found.append([int(token) for token in best.y_sequence])
    return found


ENGINES: dict[str, Callable[[Path, Sequence[Path]], list[Tokens]]] = {
    "eclectus": with_eclectus,
    "nemo": with_nemo,
    "onnx-asr": with_onnx_asr,
    "sherpa-onnx": with_sherpa_onnx,
}


def _read(clip: Path) -> Any:
    import soundfile

    samples, rate = soundfile.read(clip, dtype="float32")
    if rate != 16_000 or samples.ndim != 1:
        raise SystemExit(f"{clip} is not mono at 16 kHz")
    return samples


def in_one_piece(model: Path, clips: Sequence[Path]) -> list[Path]:
    """Leaves out what is so long that eclectus divides it; the others never divide."""
    import soundfile

    longest = json.loads((model / "config.json").read_text("utf-8"))["max_window_s"]
    return [clip for clip in clips if soundfile.info(clip).duration <= longest]


def _ids(vocabulary: Path) -> dict[str, int]:
    lines = vocabulary.read_text("utf-8").splitlines()
    return {piece: int(number) for piece, number in (line.rsplit(" ", 1) for line in lines)}


def _id(piece: str, ids: dict[str, int]) -> int:
    return ids.get(piece, ids.get(piece.replace(" ", SPACE), -1))


def differing(found: list[Tokens], reference: list[Tokens]) -> list[int]:
    """Returns the places of the clips with other tokens."""
    pairs = zip(found, reference, strict=True)
    return [place for place, (mine, theirs) in enumerate(pairs) if mine != theirs]


def token_error_rate(found: list[Tokens], reference: list[Tokens]) -> float:
    """Returns the edits that turn one into the other, in percent of the reference's tokens."""
    edits = sum(_edits(mine, theirs) for mine, theirs in zip(found, reference, strict=True))
    return round(100 * edits / max(1, sum(map(len, reference))), 3)


def _edits(found: Tokens, reference: Tokens) -> int:
    row = list(range(len(reference) + 1))
    for place, token in enumerate(found, 1):
        before, row[0] = row[0], place
        for column, wanted in enumerate(reference, 1):
            change = before + (token != wanted)
            before = row[column]
            row[column] = min(change, before + 1, row[column - 1] + 1)
    return row[-1]


def ask(engine: str, python: str, model: Path, clips: Sequence[Path]) -> list[Tokens] | None:
    """Runs one engine in a process of its own; None if it is not installed."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch, "tokens.json")
        command = [python, "-m", "recipe.agree", str(model), "--only", engine, "--out", str(out)]
        listed = json.dumps([str(clip) for clip in clips])
        done = subprocess.run(
            command, input=listed, cwd=HERE, capture_output=True, text=True, check=False
        )
        if out.exists():
            return json.loads(out.read_text("utf-8"))
    lines = done.stderr.strip().splitlines()
    reason = lines[-1] if lines else f"exit code {done.returncode}"
    if "ModuleNotFoundError" not in reason:
        sys.stderr.write(done.stderr[-4000:])
        raise SystemExit(f"{engine} failed")
    sys.stderr.write(f"{engine} is left out: {reason}\n")
    return None


def compare(model: Path, nemo: Path | None, clips: Sequence[Path], pythons: dict[str, str]) -> Any:
    """Asks every engine; returns, by engine, how many clips have eclectus's tokens."""
    found: dict[str, list[Tokens]] = {}
    for engine in ENGINES:
        source = nemo if engine == "nemo" else model
        python = pythons.get(engine, sys.executable)
        tokens = None if source is None else ask(engine, python, source.resolve(), clips)
        if tokens is not None:
            found[engine] = tokens
    if "eclectus" not in found:
        raise SystemExit("eclectus is the reference; it must be installed")
    reference = found.pop("eclectus")
    rows = {
        engine: {
            "same": len(clips) - len(differing(tokens, reference)),
            "token_error_rate": token_error_rate(tokens, reference),
            "differing": [clips[place].name for place in differing(tokens, reference)][:20],
        }
        for engine, tokens in found.items()
    }
    return {
        "clips": len(clips),
        "tokens": sum(map(len, reference)),
        "engines": rows,
        "missing": sorted(set(ENGINES) - set(found) - {"eclectus"}),
    }


def main() -> None:
    """Writes the comparison as JSON."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("model", type=Path, help="folder of exported graphs")
    parser.add_argument("--nemo", type=Path, help="the same model as a .nemo file")
    parser.add_argument("--clips", type=Path, nargs="+", help="folders of 16 kHz files")
    parser.add_argument("--count", type=int, help="of clips, spread over the folders")
    parser.add_argument("--python", action="append", default=[], metavar="ENGINE=PATH")
    parser.add_argument("--only", choices=sorted(ENGINES), help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help="where the result goes, if not printed")
    given = parser.parse_args()
    if given.only:
        clips = [Path(name) for name in json.load(sys.stdin)]
        text = json.dumps(ENGINES[given.only](given.model, clips))
    else:
        if not given.clips:
            parser.error("--clips is needed")
        clips = [
            p.resolve() for f in given.clips for p in sorted(f.rglob("*")) if p.suffix in SUFFIXES
        ]
        clips = in_one_piece(given.model, clips)
        if given.count and given.count < len(clips):
            clips = [clips[i * len(clips) // given.count] for i in range(given.count)]
        pythons = dict(pair.split("=", 1) for pair in given.python)
        text = json.dumps(compare(given.model, given.nemo, clips, pythons), indent=2)
    if given.out:
        given.out.write_text(text + "\n", encoding="utf-8")
    else:
        sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
