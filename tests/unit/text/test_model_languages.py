"""Which of a model's languages a text is in."""

import sys
from collections.abc import Iterator

import pytest

from eclectus.core.model_config import Head, ModelConfig
from eclectus.core.types import Segment, Word
from eclectus.text import language
from eclectus.text.model_languages import language_of


def config(*languages: str) -> ModelConfig:
    return ModelConfig(
        name="toy", head=Head.CTC, mel_bins=80, vocabulary_size=4, languages=languages
    )


def said(text: str) -> list[Segment]:
    words = tuple(Word(one, 0.0, 0.1, 1.0) for one in text.split())
    return [Segment(words, 0.0, 0.1)]


def test_a_model_of_one_language_speaks_it() -> None:
    assert language_of(said("guten Morgen"), config("en"), None) == "en"


def test_a_model_of_unknown_languages_tells_none() -> None:
    assert language_of(said("good morning to you all"), config(), None) is None


def test_the_text_tells_the_language_of_a_model_of_many() -> None:
    many = config("de", "en", "fr")
    german = said("Heute Morgen hat es im Garten lange geregnet.")
    assert language_of(german, many, None) == "de"
    assert language_of(said("ja"), many, None) is None
    assert language_of([], many, None) is None


def test_a_hint_helps_where_the_text_is_short() -> None:
    assert language_of(said("guten Morgen"), config("de", "en"), "de") == "de"


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The extra is not installed, and nothing has been detected yet."""
    language._identifier.cache_clear()
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    yield
    language._identifier.cache_clear()


@pytest.mark.usefixtures("missing")
def test_without_the_extra_the_language_stays_unknown() -> None:
    text = said("Heute Morgen hat es im Garten lange geregnet.")
    assert language_of(text, config("de", "nl"), None) is None
