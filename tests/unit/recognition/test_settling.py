"""What is held back until later tokens are known."""

import numpy as np

from eclectus.core.model_config import Head, ModelConfig
from eclectus.core.types import Hypothesis, Window
from eclectus.recognition.pending import Pending, Place
from eclectus.recognition.settling import Settling
from eclectus.recognition.stitch import Stitcher
from eclectus.text.speller import Speller
from eclectus.text.tokenizer import PieceTokenizer

PIECES = ["▁a", "▁b", "▁c", "▁", "<0xE2>", "<0x80>", "<0x94>"]
TOKENIZER = PieceTokenizer(PIECES)
CONFIG = ModelConfig("toy", Head.CTC, 80, len(PIECES))
FRAME = 1280


def test_a_dash_of_bytes_that_is_cut_by_a_window_still_joins_the_word_before() -> None:
    pending = Pending(b"", 0, Stitcher(lambda token: token < 4))
    settling = Settling(Speller(CONFIG, TOKENIZER), 0, 16_000)
    texts = []
    for number, ids in enumerate([[0, 1, 2, 3, 4], [5, 6]]):
        count = len(ids)
        found = Hypothesis(
            np.array(ids, np.int64),
            np.arange(count),
            np.ones(count, np.int64),
            np.zeros(count, np.float32),
            np.zeros(count, np.float32),
        )
        window = Window(number * 10 * FRAME, (number + 1) * 10 * FRAME, 0, 0)
        pending.add(Place(pending, number, window, number == 1), found, FRAME)
        texts.append([word.text for word in settling.take(pending)])
    assert texts == [["a", "b"], ["c—"]]
