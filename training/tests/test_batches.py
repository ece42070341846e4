"""Rounds of batches: what they hold and that they repeat."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from recipe.augment import augment
from recipe.batches import NO_PHONE, Batch, PhoneTable, Round, Rounds, ahead, pack_sizes
from recipe.config import Stage, TrainConfig
from recipe.tokenizer import FILE_NAME, open_tokenizer
from tests.chords import write_pack

STAGE = Stage(1.0, augment=1.0, batch_seconds=8.0)
CONFIG = TrainConfig(stages=(STAGE,), round_hours=0.02)


def _rounds(data: Path, share: tuple[int, int] = (0, 1)) -> Rounds:
    return Rounds(data, CONFIG, open_tokenizer(data / FILE_NAME), PhoneTable(), share)


def _batches(data: Path, which: Round, start: int = 0) -> list[Batch]:
    return list(_rounds(data).batches(which, start))


def test_a_round_repeats_though_the_pack_has_grown(data: Path) -> None:
    """Also when it is entered in its middle."""
    which = Round(3, STAGE, pack_sizes(data, {"*": 1.0}))
    first = _batches(data, which)
    write_pack(data, "chords-train", 10, seed=5)
    again = _batches(data, which, 2)
    assert len(again) == len(first) - 2
    for left, right in zip(first[2:], again, strict=True):
        assert torch.equal(left.features, right.features)
        assert torch.equal(left.tokens, right.tokens)
        assert torch.equal(left.phones, right.phones)


def test_workers_share_a_round_without_overlap(data: Path) -> None:
    """Both count the same seconds, and together they make the whole round."""
    which = Round(0, STAGE, pack_sizes(data, {"*": 1.0}))
    halves = [list(_rounds(data, (rank, 2)).batches(which)) for rank in range(2)]
    assert [one.seconds for one in halves[0]] == [one.seconds for one in halves[1]]
    plan = _rounds(data, (0, 2)).plan(which)
    assert len(plan) == len(halves[0]) + len(halves[1])
    total = sum(one.seconds for batch in plan for one in batch)
    assert sum(one.seconds for one in halves[0]) == pytest.approx(total)


def test_weights_choose_packs(data: Path) -> None:
    """A pattern of weight 0 leaves a pack out; held-out packs are never used."""
    write_pack(data, "other-train", 5)
    assert set(pack_sizes(data, {"other*": 0.0, "*": 1.0})) == {"chords-train"}
    stage = replace(STAGE, packs={"other*": 3.0, "*": 1.0})
    plan = _rounds(data).plan(Round(0, stage, pack_sizes(data, stage.packs)))
    names = [one.pack.name for batch in plan for one in batch]
    assert set(names) == {"other-train", "chords-train"}


def test_batches_keep_their_length(data: Path) -> None:
    """Padding counts: items x longest stays within the stage's seconds."""
    plan = _rounds(data).plan(Round(0, STAGE, pack_sizes(data, {"*": 1.0})))
    assert all(len(batch) * max(one.seconds for one in batch) <= 8.0 for batch in plan)


def test_phone_labels_follow_the_ends() -> None:
    """50 labels a second; what lies past the last end is silence; a full table gives no label."""
    table = PhoneTable(size=3)
    labels = table.label([("a", 0.04), ("b", 0.1), ("c", 0.12)], 8, 50.0)
    assert table.names == ["a", "b", "c"]
    assert labels.tolist() == [0, 0, 1, 1, 1, 2, NO_PHONE, NO_PHONE]


def test_what_the_thread_raises_reaches_the_consumer() -> None:
    """After the batches that came before it."""

    def broken():
        yield "one"
        raise ValueError("broken")

    batches = ahead(broken())
    assert next(batches) == "one"
    with pytest.raises(ValueError, match="broken"):
        next(batches)


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
def test_augmented_speech_stays_finite_and_repeats(strength: float) -> None:
    """For the same random numbers; strength 0 changes nothing."""
    wave = np.sin(np.arange(8000) / 9).astype(np.float32) * 0.3
    for seed in range(30):
        one, two = (augment(wave, np.random.default_rng(seed), strength) for _ in range(2))
        assert one.dtype == np.float32
        assert np.isfinite(one).all()
        assert np.array_equal(one, two)
        assert strength or np.array_equal(one, wave)
