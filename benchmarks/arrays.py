"""How far eclectus's features and encoder outputs are from NeMo's, on real speech."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import results
from benchmarks.clips import read
from benchmarks.compare.protocol import layout
from eclectus.api import load
from eclectus.signal.logmel import LogMel


def report_arrays(
    model: Path, files: Sequence[Path], precision: str, reference: Path, out: Path | None
) -> int:
    """Compare with the .npz files that `nemo_reference.py --arrays` wrote, and print the worst."""
    loaded = load(layout(model, "onnx"), precision=precision)
    log_mel = LogMel(loaded.config.mel_bins)
    worst_feature, worst_output, count = 0.0, 0.0, 0
    for path in files:
        kept = reference / f"{path.stem}.npz"
        if not kept.exists():
            continue
        with np.load(kept) as arrays:
            theirs, outputs = arrays["features"], arrays["encoded"]
        features = log_mel([read(path)])
        encoded = loaded.acoustic.encode(features)
        ours = features.data[0, :, : theirs.shape[1]]
        worst_feature = max(worst_feature, float(np.abs(ours - theirs).max()))
        if encoded.frames.shape[2] == outputs.shape[1]:  # a CTC model's are log-probabilities
            worst_output = max(worst_output, _relative(encoded.frames[0, : len(outputs)], outputs))
        count += 1
    print(
        f"{model.name} {precision}: {count} files, features within {worst_feature:.2e},"
        f" encoder outputs within {worst_output:.2e} of their norm"
    )
    results.append(
        out,
        {
            "benchmark": "arrays",
            "model": model.name,
            "precision": precision,
            "files": count,
            "feature_error": worst_feature,
            "encoder_error": worst_output,
        },
    )
    return 0 if count else 1


def _relative(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))
