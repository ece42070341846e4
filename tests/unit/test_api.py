"""The two calls that most programs need."""

from pathlib import Path

import pytest

import eclectus
from eclectus.core.errors import OptionError, UnknownModelError
from eclectus.core.options import EndpointOptions
from tests.support.clips import right

CLIP = Path(__file__).resolve().parents[1] / "data" / "garden.flac"


def test_a_file_goes_in_and_a_transcript_comes_out() -> None:
    assert right(eclectus.transcribe(CLIP).text)


def test_the_model_of_the_package_needs_no_name() -> None:
    with eclectus.load(device="cpu", threads=1) as model:
        assert model.config.builtin
        assert model.options == eclectus.TranscribeOptions()


@pytest.mark.parametrize(("option", "value"), [("device", "abacus"), ("precision", "int3")])
def test_an_unknown_choice_lists_what_is_possible(option: str, value: str) -> None:
    with pytest.raises(OptionError, match=f"{option} can't be {value!r}: it should be auto"):
        eclectus.load(**{option: value})  # type: ignore[arg-type]  # that is what is tested


def test_an_unknown_model_names_its_neighbours() -> None:
    with pytest.raises(UnknownModelError, match=r"parakeet-tdt-0\.6b-v3"):
        eclectus.load("parakeet-tdt-0.6b-v33")


@pytest.mark.parametrize("threshold", [0.0, 1.0, -1.0, float("nan")])
def test_a_threshold_of_speech_that_is_none_is_refused(threshold: float) -> None:
    with pytest.raises(OptionError, match=r"EndpointOptions\.threshold"):
        EndpointOptions(threshold=threshold)
