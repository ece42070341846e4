import random
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from recipe import synthesize
from recipe.packs import RATE, open_pack
from recipe.voices import base
from recipe.voices.flite import parse_phones
from recipe.voices.joe import piper_ids
from recipe.voices.kokoro import from_espeak
from recipe.voices.phonemes import clauses_of

TEXTS = [f"Sentence number {word}." for word in ("one", "two", "three", "four", "five", "six")]


class Beeper:
    """An engine that says every sentence as one second of a tone, but never `three`."""

    def say(self, text: str, held: bool, rng: random.Random) -> base.Spoken:
        if "three" in text:
            raise base.SynthesisError("can't say that")
        tone = np.sin(np.arange(RATE) * rng.uniform(0.1, 0.3)).astype(np.float32)
        return base.Spoken(base.finish(tone, RATE, rng, trim=False), f"beep-{held}", [])


@pytest.fixture
def beeper(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("beeper")
    module.Beeper = Beeper  # type: ignore[attr-defined]  # a module made here
    monkeypatch.setitem(__import__("sys").modules, "beeper", module)
    monkeypatch.setitem(synthesize.ENGINES, "beep", "beeper:Beeper")


@pytest.mark.usefixtures("beeper")
def test_a_stopped_run_goes_on_to_the_same_pack(tmp_path: Path) -> None:
    job = synthesize.Job("beep", "train", 3)
    synthesize.synthesize(job, TEXTS, 2 / 3600, tmp_path / "a")
    assert open_pack(tmp_path / "a", "beep-train").count == 2
    synthesize.synthesize(job, TEXTS, 4 / 3600, tmp_path / "a")
    synthesize.synthesize(job, TEXTS, 4 / 3600, tmp_path / "b")
    parts, whole = (open_pack(tmp_path / folder, "beep-train") for folder in "ab")
    assert [e.text for e in parts.entries] == [TEXTS[i] for i in (0, 1, 3, 4)]
    assert parts.entries == whole.entries
    np.testing.assert_array_equal(parts.audio(3), whole.audio(3))


@pytest.mark.usefixtures("beeper")
def test_other_sentences_are_not_mixed_into_a_pack(tmp_path: Path) -> None:
    job = synthesize.Job("beep", "held", 0)
    synthesize.synthesize(job, TEXTS, 1 / 3600, tmp_path)
    with pytest.raises(SystemExit, match="other sentences"):
        synthesize.synthesize(job, TEXTS[2:], 1, tmp_path)


def _burst(seconds: float) -> base.Floats:
    silence = np.zeros(8000, np.float32)
    return np.concatenate([silence, np.ones(round(seconds * RATE), np.float32), silence, silence])


def test_finished_audio_has_the_peak_and_short_silences() -> None:
    samples = base.finish(_burst(1) * 0.01, RATE, random.Random(1))
    assert samples.dtype == np.int16
    assert np.abs(samples).max() == round(0.7 * 32767)
    assert 1.1 <= samples.size / RATE <= 1.7


def test_finishing_resamples() -> None:
    pytest.importorskip("soxr")
    samples = base.finish(np.ones(24_000, np.float32), 24_000, random.Random(1), trim=False)
    assert samples.size == RATE


@pytest.mark.parametrize("audio", [[], [0, 0], [float("nan"), 1]])
def test_silence_is_refused(audio: list[float]) -> None:
    with pytest.raises(base.SynthesisError):
        base.finish(np.array(audio, np.float32), RATE, random.Random(1))


@pytest.mark.parametrize("seconds", [0.3, 20])
def test_an_impossible_pace_is_refused(seconds: float) -> None:
    with pytest.raises(base.SynthesisError, match="letters"):
        base.check_pace("The old man went home.", seconds)


def test_held_out_voices_speak_only_when_asked() -> None:
    rng = random.Random(0)
    assert {base.pick(["a", "b"], ["h"], False, rng) for _ in range(50)} == {"a", "b"}
    assert "h" in {base.pick(["a", "b"], ["h"], True, rng) for _ in range(50)}


def test_flites_phones_are_read() -> None:
    assert parse_phones("pau:0.18 hh:0.28 \n") == [("pau", 0.18), ("hh", 0.28)]


@pytest.mark.parametrize("printed", ["", "error", "pau:x"])
def test_other_output_of_flite_is_refused(printed: str) -> None:
    with pytest.raises(base.SynthesisError):
        parse_phones(printed)


def test_pipers_symbols_are_padded() -> None:
    table = {"_": [0], "^": [1], "$": [2], "a": [14], "b": [15]}
    assert piper_ids("a?b", table) == [1, 0, 14, 0, 15, 0, 2]


@pytest.mark.parametrize(
    ("espeak", "kokoro"),
    [("həlˈə^ʊ", "həlˈQ"), ("ðˈe^ə", "ðˈɛː"), ("d^ʒˈʌd^ʒ", "ʤˈʌʤ"), ("lˈɪtə^l", "lˈɪtᵊl")],
)
def test_british_sounds_have_kokoros_symbols(espeak: str, kokoro: str) -> None:
    assert from_espeak(espeak) == kokoro


def test_a_title_does_not_end_a_clause() -> None:
    assert clauses_of("Well, said Mr. Hill, where is it?") == [
        ("Well", ","),
        ("said Mr Hill", ","),
        ("where is it", "?"),
    ]
