"""Memory is flat in the length of a file."""

import subprocess
import sys

PROGRAM = """
import resource, sys
from collections.abc import Iterator
import numpy as np
from eclectus.core.model_config import Head, ModelConfig
from eclectus.core.options import BatchOptions, LongFormOptions, TranscribeOptions
from eclectus.core.types import EncoderOutput
from eclectus.recognition.longform import make_plan
from eclectus.recognition.recognizer import Recognizer
from eclectus.text.tokenizer import PieceTokenizer

CONFIG = ModelConfig("trivial", Head.CTC, 80, 3)


class Trivial:
    config = CONFIG
    transducer = None

    def encode(self, features):
        lengths = (features.lengths - 1) // 8 + 1
        frames = np.full((len(lengths), int(lengths.max()), 4), -2.0, np.float32)
        return EncoderOutput(frames, lengths)

    def close(self):
        pass


class Drone:
    sample_rate = 16_000

    def __init__(self, seconds):
        self.duration_s = float(seconds)

    def __iter__(self) -> Iterator[np.ndarray]:
        block = np.random.default_rng(1).normal(0, 0.1, 16_000).astype(np.float32)
        for _ in range(int(self.duration_s)):
            yield block

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


model = Recognizer(Trivial(), PieceTokenizer(["a", "b", "c"]), TranscribeOptions())
seconds = int(sys.argv[1])
source = model.windowed(seconds, open_source=lambda source, *rest, **named: Drone(source))
window = make_plan(LongFormOptions(), CONFIG).window
(done,) = model.driver().run_in_order([source], BatchOptions(), window)
assert done.transcript().duration == seconds
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak(seconds: int) -> int:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(seconds)], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_three_hours_take_hardly_more_memory_than_three_minutes() -> None:
    # Three hours of samples are 690 MB, several times the whole process.
    assert peak(3 * 3600) < 1.2 * peak(180)
