import wave
from pathlib import Path

import numpy as np
import pytest

from recipe.align import words_of
from recipe.packs import open_pack
from recipe.real import load, make_pack, read_recordings, voice_of


def _record(path: Path, samples: np.ndarray, rate: int = 16_000) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    lines = ["file\tseconds\tspeaker\tsource\ttext"]
    for number, speaker in ((2, "LJ"), (1, "so762_0003")):
        _record(tmp_path / f"{number}.wav", np.full(1600, number * 1000))
        lines.append(f'{number}.wav\t0.1\t{speaker}\tx\t"Number"  {number}.')
    (tmp_path / "transcripts.tsv").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_recordings_are_ordered_by_file(speech: Path) -> None:
    assert [recording.file for recording in read_recordings(speech)] == ["1.wav", "2.wav"]


def test_a_folder_becomes_a_pack(speech: Path, tmp_path: Path) -> None:
    pytest.importorskip("soundfile")
    for _ in range(2):  # the second run finds nothing to do
        assert make_pack(speech, tmp_path / "data") * 3600 == pytest.approx(0.2)
    pack = open_pack(tmp_path / "data", "real-train")
    assert [pack.voice(0), pack.voice(1)] == ["so762-0003", "lj"]
    assert pack.text(0) == '"Number" 1.'
    assert pack.count == 2
    assert np.abs(pack.audio(1).astype(int) - 2000).max() <= 1


def test_recordings_of_other_rates_are_resampled(tmp_path: Path) -> None:
    pytest.importorskip("soundfile")
    pytest.importorskip("soxr")
    _record(tmp_path / "a.wav", np.zeros(4800), 48_000)
    assert load(tmp_path / "a.wav").size == 1600


def test_speakers_are_named_as_in_packs() -> None:
    assert [voice_of("so762_0003"), voice_of("LJ")] == ["so762-0003", "lj"]


def test_words_to_align_are_those_of_the_dictionary() -> None:
    assert words_of("'Well,' said Mr. Hill's aunt.") == ["well", "said", "mister", "hill's", "aunt"]
