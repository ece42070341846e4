"""What the model in the package hears."""

from collections.abc import Callable

import jiwer
import pytest

import eclectus
from eclectus.core.options import LongFormOptions, TranscribeOptions
from eclectus.streaming.events import Final
from tests.support.clips import samples, spoken, words_of

CLIPS = ("garden", "temper", "story")


def as_files(model: eclectus.Model, name: str) -> str:
    return model.transcribe(samples(name)).text


def in_windows(model: eclectus.Model, name: str) -> str:
    options = TranscribeOptions(long_form=LongFormOptions(window_s=8.0, overlap_s=2.0))
    return model.transcribe(samples(name), options=options).text


def live(model: eclectus.Model, name: str) -> str:
    session = model.stream()
    events = [*session.push(samples(name)), *session.finish()]
    finals = [event for event in events if isinstance(event, Final)]
    return " ".join(word.text for final in finals for word in final.words)


@pytest.mark.parametrize(("hear", "most"), [(as_files, 0.3), (in_windows, 0.4), (live, 0.4)])
def test_few_words_of_the_shipped_clips_are_wrong(
    model: eclectus.Model, hear: Callable[[eclectus.Model, str], str], most: float
) -> None:
    """Their voices were trained on, in other sentences."""
    heard = {name: hear(model, name) for name in CLIPS}
    errors = jiwer.wer(
        [" ".join(words_of(spoken(name))) for name in CLIPS],
        [" ".join(words_of(heard[name])) for name in CLIPS],
    )
    assert errors <= most
