"""What NeMo itself says: tokens, frames and durations of its greedy search, as JSON lines.

Run in an environment that has NeMo (see README.md), from the repository's root:

    python -m benchmarks.nemo_reference MODEL.nemo AUDIO... --out reference.jsonl

Two things make NeMo's numbers irreproducible and are taken care of here: `transcribe()` leaves
training mode and dither on, so it is not used; and in a batch the durations that NeMo's
label-looping search reports belong to whatever was evaluated last, so files go in one by one.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import nemo.collections.asr as nemo_asr
import numpy as np
import torch
from omegaconf import open_dict

from benchmarks.clips import find_audio, read
from benchmarks.synthetic.build import quiet


def main() -> None:
    """Write one line for each file and, if asked, the arrays on the way to it."""
    options = _parse()
    torch.set_num_threads(options.threads)
    model = restore(options.model, options.max_symbols)
    head = options.head or default_head(model)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with options.out.open("w", encoding="utf-8") as lines, torch.inference_mode():
        for i, path in enumerate(find_audio(options.audio)):
            arrays = options.arrays if i < options.arrays_of else None
            lines.write(json.dumps(refer(model, path, head, arrays)) + "\n")


def restore(path: Path, max_symbols: int) -> Any:
    """Load a `.nemo` for reproducible greedy search."""
    model = nemo_asr.models.ASRModel.restore_from(str(path), map_location="cpu")
    if hasattr(model, "joint"):
        decoding = model.cfg.decoding
        with open_dict(decoding):
            decoding.greedy.max_symbols = max_symbols
            decoding.tdt_include_token_duration = bool(decoding.get("durations"))
        model.change_decoding_strategy(decoding)
    quiet(model)
    return model


def default_head(model: Any) -> str:
    """Return the model's main head: tdt, rnnt or ctc."""
    if not hasattr(model, "joint"):
        return "ctc"
    return "tdt" if model.cfg.decoding.get("durations") else "rnnt"


def refer(model: Any, path: Path, head: str, arrays: Path | None = None) -> dict[str, Any]:
    """Return NeMo's tokens, frames and durations for one file of 16 kHz mono audio."""
    samples = read(path)
    signal = torch.from_numpy(samples)[None]
    features, lengths = model.preprocessor(
        input_signal=signal, length=torch.tensor([signal.shape[1]])
    )
    encoded, encoded_lengths = model.encoder(audio_signal=features, length=lengths)
    if arrays is not None:
        arrays.mkdir(parents=True, exist_ok=True)
        np.savez(
            arrays / f"{path.stem}.npz",
            features=features[0, :, : int(lengths[0])].numpy(),
            encoded=encoded[0, :, : int(encoded_lengths[0])].T.numpy(),
        )
    result = {"file": path.name, "samples": len(samples), "encoder_frames": int(encoded_lengths[0])}
    return result | find_tokens(model, encoded, encoded_lengths, head)[0]


def find_tokens(
    model: Any, encoded: torch.Tensor, lengths: torch.Tensor, head: str
) -> list[dict[str, Any]]:
    """Run NeMo's greedy search; encoder outputs are (B, D, S)."""
    search = _ctc if head == "ctc" else _transducer
    return search(model, encoded, lengths)


def _transducer(model: Any, encoded: torch.Tensor, lengths: torch.Tensor) -> list[dict[str, Any]]:
    hypotheses = model.decoding.rnnt_decoder_predictions_tensor(
        encoder_output=encoded, encoded_lengths=lengths, return_hypotheses=True
    )
    has_durations = bool(model.cfg.decoding.get("durations"))
    return [
        {
            "text": found.text,
            "ids": _ints(found.y_sequence),
            "frames": _ints(found.timestamp),
            "durations": _ints(found.token_duration) if has_durations else None,
        }
        for found in hypotheses
    ]


def _ctc(model: Any, encoded: torch.Tensor, lengths: torch.Tensor) -> list[dict[str, Any]]:
    """Fold NeMo's path; a token's frame is the first of its run and its duration the run."""
    is_hybrid = hasattr(model, "ctc_decoder")
    head = model.ctc_decoder if is_hybrid else model.decoder
    decoding = model.ctc_decoding if is_hybrid else model.decoding
    log_probs = head(encoder_output=encoded)
    hypotheses = decoding.ctc_decoder_predictions_tensor(
        log_probs, decoder_lengths=lengths, return_hypotheses=True
    )
    results = []
    for found, length in zip(hypotheses, lengths, strict=True):
        path = _ints(found.y_sequence)[: int(length)]
        ids, frames, durations = fold(path, log_probs.shape[-1] - 1)
        if decoding.decode_tokens_to_str_with_strip_punctuation(ids) != found.text:
            raise AssertionError("the folded path is not what NeMo found")
        results.append({"text": found.text, "ids": ids, "frames": frames, "durations": durations})
    return results


def fold(path: list[int], blank: int) -> tuple[list[int], list[int], list[int]]:
    """Collapse a CTC path to tokens, first frames and lengths of the runs."""
    ids: list[int] = []
    frames: list[int] = []
    durations: list[int] = []
    previous = blank
    for frame, label in enumerate(path):
        if label != blank and label == previous:
            durations[-1] += 1
        elif label != blank:
            ids.append(label)
            frames.append(frame)
            durations.append(1)
        previous = label
    return ids, frames, durations


def _ints(values: Any) -> list[int]:
    return [int(value) for value in values]


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("audio", type=Path, nargs="+", help="files or folders")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--head", choices=["tdt", "rnnt", "ctc"], help="of a hybrid model")
    parser.add_argument("--max-symbols", type=int, default=10)
    parser.add_argument("--arrays", type=Path, help="folder for features and encoder outputs")
    parser.add_argument("--arrays-of", type=int, default=5, help="files to keep arrays of")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
