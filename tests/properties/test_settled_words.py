"""Words that are given out while a file is still being recognised are those of its transcript."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from eclectus.core.model_config import Head, ModelConfig
from eclectus.core.types import Hypothesis, Window, Word
from eclectus.recognition.pending import Pending, Place
from eclectus.recognition.settling import Settling
from eclectus.recognition.stitch import Stitcher
from eclectus.text.speller import Speller
from eclectus.text.tokenizer import PieceTokenizer

WINDOW, OVERLAP, FRAME = 60, 20, 1280
# A lone space, signs that open and that close, a dash in three bytes, a special piece.
PIECES = ["▁a", "b", "▁", ".", "▁(", "-", "<0xE2>", "<0x80>", "<0x94>", "<unk>", "▁c", ","]
TOKENIZER = PieceTokenizer(PIECES)
CONFIG = ModelConfig("toy", Head.CTC, 80, len(PIECES), languages=("en",))
SPELLER = Speller(CONFIG, TOKENIZER)


def found_in_a_window(draw: st.DrawFn) -> Hypothesis:
    ids = draw(st.lists(st.integers(0, len(PIECES) - 1), max_size=25))
    frames = sorted(
        draw(st.lists(st.integers(0, WINDOW - 1), min_size=len(ids), max_size=len(ids)))
    )
    count = len(ids)
    return Hypothesis(
        np.array(ids, np.int64),
        np.array(frames, np.int64),
        np.ones(count, np.int64),
        np.array(draw(st.lists(st.floats(-3, 0), min_size=count, max_size=count)), np.float32),
        np.zeros(count, np.float32),
    )


@st.composite
def recognised(draw: st.DrawFn) -> list[tuple[Window, Hypothesis]]:
    """Windows that differ about their overlaps as they like; some meet in a pause."""
    windows, start = [], 0
    for _ in range(draw(st.integers(1, 6))):
        stop = start + WINDOW
        windows.append((Window(start * FRAME, stop * FRAME, 0, 0), found_in_a_window(draw)))
        start = stop - draw(st.sampled_from([OVERLAP, OVERLAP, 0]))
    return windows


@given(recognised(), st.data())
def test_settled_words_together_are_the_transcripts(
    windows: list[tuple[Window, Hypothesis]], data: st.DataObject
) -> None:
    starts = {number for number, piece in enumerate(PIECES) if piece.startswith("▁")}
    pending = Pending(b"", 0, Stitcher(starts.__contains__))
    settling = Settling(SPELLER, OVERLAP, 16_000)
    order = data.draw(st.permutations(range(len(windows))))
    words: tuple[Word, ...] = ()
    for number in order:
        window, found = windows[number]
        pending.add(Place(pending, number, window, number == len(windows) - 1), found, FRAME)
        words += settling.take(pending)
    duration_s = pending.samples / 16_000
    assert words == SPELLER.transcript(pending.stitcher.finish(), duration_s).words


@given(recognised())
def test_all_words_outside_the_overlap_but_the_last_come_at_once(
    windows: list[tuple[Window, Hypothesis]],
) -> None:
    window, found = windows[0]
    pending = Pending(b"", 0, Stitcher(lambda _: True))
    settling = Settling(SPELLER, OVERLAP, 16_000)
    pending.add(Place(pending, 0, window, False), found, FRAME)
    safe = found.slice(0, int(found.frames.searchsorted(WINDOW - OVERLAP)))
    spelt = SPELLER.words(SPELLER.tokens(safe, pending.samples / 16_000))
    # A last word of bytes that may become a sign holds the one before it back too.
    held = 2 if spelt and spelt[-1].text.endswith("\ufffd") else 1
    assert len(settling.take(pending)) >= len(spelt) - held
    assert settling.take(pending) == ()
