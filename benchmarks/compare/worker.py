"""The process in which one recogniser lives: a JSON request a line in, a JSON answer a line out.

    python -m benchmarks.compare.worker PEER MODEL --precision fp32 --threads 2

Started by `client.Worker` in the peer's own environment. Time is measured here, around the
call alone; audio is read before.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from benchmarks.clips import read
from benchmarks.compare.live import follow
from benchmarks.compare.protocol import Found, Peer, Staged

PEERS = {
    "eclectus": ("eclectus_peer", "Eclectus"),
    "nano_parakeet": ("nano_parakeet", "NanoParakeet"),
    "nemo": ("nemo", "Nemo"),
    "onnx_asr": ("onnx_asr", "OnnxAsr"),
    "parakeet_mlx": ("parakeet_mlx", "ParakeetMlx"),
    "sherpa_onnx": ("sherpa_onnx", "SherpaOnnx"),
}


def main() -> None:
    """Load, say so, then answer until the input ends."""
    options = _parse()
    answers = _keep_stdout_clean()
    begin = time.perf_counter()
    module, name = PEERS[options.peer]
    peer: Peer = getattr(importlib.import_module(f"benchmarks.compare.{module}"), name)()
    imported = time.perf_counter()
    peer.load(options.model, options.precision, options.threads)
    ready = time.perf_counter()
    times = {"import_s": imported - begin, "load_s": ready - imported}
    _say(answers, times | {"staged": isinstance(peer, Staged)})
    for line in sys.stdin:
        _say(answers, answer(peer, json.loads(line)))


def answer(peer: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Do one piece of work.

    Args:
        peer: The recogniser.
        request: `stage` (pipeline, stream, features, encode or search), `files`, `batch`;
            `contexts` of a stream in seconds; optionally `encoded`, an .npz to search in, or
            `keep`, where to write the encoder's outputs.
    """
    stage = request["stage"]
    clips = [read(Path(path)) for path in request["files"]]
    if stage == "stream":
        return {"streams": [follow(peer, clip, request) for clip in clips]}
    if stage == "pipeline":
        return _timed(lambda: peer.transcribe(clips, request["batch"]))
    if stage == "features":
        return _timed(lambda: peer.features(clips))
    if stage == "encode":
        features = peer.features(clips)
        return _timed(lambda: peer.encode(features))
    if "keep" in request:
        frames, lengths = peer.export(peer.encode(peer.features(clips)))
        np.savez(request["keep"], frames=frames, lengths=lengths)
        return {}
    if "encoded" in request:
        with np.load(request["encoded"]) as arrays:
            encoded = peer.adopt(np.ascontiguousarray(arrays["frames"]), arrays["lengths"])
    else:
        encoded = peer.encode(peer.features(clips))
    return _timed(lambda: peer.search(encoded))


def _timed(work: Callable[[], Any]) -> dict[str, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    times = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    found = [asdict(f) for f in result] if _is_found(result) else None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return times | {"peak_mib": peak, "found": found}


def _is_found(result: Any) -> bool:
    return isinstance(result, list) and all(isinstance(item, Found) for item in result)


def _keep_stdout_clean() -> TextIO:
    """Keep the answers' channel for answers; whatever libraries print goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _say(answers: TextIO, content: dict[str, Any]) -> None:
    answers.write(json.dumps(content) + "\n")
    answers.flush()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("peer", choices=sorted(PEERS))
    parser.add_argument("model", type=Path)
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
