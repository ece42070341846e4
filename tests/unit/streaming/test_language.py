"""The language of a live stream."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

import eclectus
from eclectus.core.errors import OptionError
from eclectus.core.model_config import Head, ModelConfig
from eclectus.core.options import StreamOptions
from eclectus.core.types import LanguageGuess, Segment, Word
from eclectus.streaming.events import Event, Final, LanguageDetected, SegmentDone
from eclectus.streaming.language_follower import LanguageFollower
from eclectus.text.model_languages import ModelLanguages
from tests.support.builtin import copy_builtin

DATA = Path(__file__).resolve().parents[2] / "data"
GERMAN = "Heute Morgen hat es im Garten lange geregnet"
ENGLISH = "the weather was much better than we had thought"


def final(text: str, start: float = 0.0) -> Final:
    words = text.split()
    return Final(tuple(Word(one, start + i, start + i + 1, 1.0) for i, one in enumerate(words)))


def segment(text: str) -> SegmentDone:
    words = final(text).words
    return SegmentDone(Segment(words, words[0].start, words[-1].end))


def follower(hint: str | None = None) -> LanguageFollower:
    languages = ("de", "en", "fr")
    config = ModelConfig(
        name="toy", head=Head.CTC, mel_bins=80, vocabulary_size=4, languages=languages
    )
    return LanguageFollower(ModelLanguages.of(config), hint)


def detected(events: list[Event]) -> list[LanguageDetected]:
    return [event for event in events if isinstance(event, LanguageDetected)]


def told(events: list[Event]) -> list[str | None]:
    return [event.segment.language for event in events if isinstance(event, SegmentDone)]


def test_the_language_is_told_once_and_before_the_segments_that_are_in_it() -> None:
    following = follower()
    events = following.annotate([final(GERMAN), segment(GERMAN)])
    assert [type(event) for event in events] == [Final, LanguageDetected, SegmentDone]
    (found,) = detected(events)
    assert (found.language, found.at) == ("de", 8.0)
    assert 0.6 <= found.confidence <= 1
    assert following.annotate([final(GERMAN)]) == [final(GERMAN)]


def test_too_few_words_tell_nothing_until_there_are_more() -> None:
    following = follower()
    assert following.annotate([final("ja")]) == [final("ja")]
    assert [one.language for one in detected(following.annotate([final(GERMAN)]))] == ["de"]


def test_a_change_of_the_language_is_told() -> None:
    following = follower()
    languages = [
        one.language
        for text in [GERMAN] * 4 + [ENGLISH] * 6
        for one in detected(following.annotate([final(text)]))
    ]
    assert languages == ["de", "en"]


def test_a_short_segment_is_in_the_language_of_the_stream_and_a_clear_one_in_its_own() -> None:
    following = follower()
    assert told(following.annotate([segment("guten Morgen")])) == [None]
    following.annotate([final(GERMAN)])
    events = following.annotate([segment("guten Morgen"), segment(ENGLISH)])
    assert told(events) == ["de", "en"]
    confidences = [e.segment.language_confidence for e in events if isinstance(e, SegmentDone)]
    assert all(one is not None and 0.6 <= one <= 1 for one in confidences)


def test_a_hint_is_enough_for_two_words() -> None:
    events = follower(hint="de").annotate([final("guten Morgen")])
    assert [one.language for one in detected(events)] == ["de"]


def test_a_model_of_one_language_has_nothing_to_tell() -> None:
    def never(text: str, *, hint: str | None) -> LanguageGuess | None:
        raise AssertionError(text)

    following = LanguageFollower(ModelLanguages(("fi",), never), None)
    events = following.annotate([final(GERMAN), segment(GERMAN)])
    assert detected(events) == []
    assert told(events) == ["fi"]
    unknown = LanguageFollower(ModelLanguages((), never), None)
    assert told(unknown.annotate([final(GERMAN), segment(GERMAN)])) == [None]


@pytest.fixture(scope="module")
def multilingual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[eclectus.Model]:
    folder = copy_builtin(tmp_path_factory.mktemp("model") / "many", languages=["en", "de", "fi"])
    with eclectus.load(folder, threads=1) as model:
        yield model


def test_a_session_tells_the_language_of_what_it_hears(multilingual: eclectus.Model) -> None:
    samples = np.asarray(sf.read(DATA / "garden.flac", dtype="float32")[0], np.float32)
    session = multilingual.stream()
    events = [*session.push(samples), *session.finish()]
    assert [one.language for one in detected(events)] == ["en"]
    assert set(told(events)) == {"en"}
    session.reset()
    again = [*session.push(samples), *session.flush(), *session.finish()]
    assert [one.language for one in detected(again)] == ["en"]


def test_a_file_has_the_language_of_each_segment(
    multilingual: eclectus.Model, model: eclectus.Model
) -> None:
    transcript = multilingual.transcribe(DATA / "garden.flac")
    assert [one.language for one in transcript.segments] == ["en"] * len(transcript.segments)
    assert all(one.language_confidence is not None for one in transcript.segments)
    segments = model.transcribe(DATA / "garden.flac").segments
    assert [(one.language, one.language_confidence) for one in segments] == [("en", None)] * len(
        segments
    )


def test_a_hint_that_the_model_does_not_know_is_refused(multilingual: eclectus.Model) -> None:
    with pytest.raises(OptionError, match="'sv'"):
        multilingual.stream(StreamOptions(language="sv"))


def test_a_hint_may_change_while_a_session_goes_on(multilingual: eclectus.Model) -> None:
    session = multilingual.stream()
    assert session.languages == ("en", "de", "fi")
    session.hint("fi")
    with pytest.raises(OptionError, match="'sv', but en, de, fi"):
        session.hint("sv")
    session.reset()
    assert session._language.hint == "fi"
    session.hint(None)
    assert session._language.hint is None
