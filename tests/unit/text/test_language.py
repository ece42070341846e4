import importlib
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eclectus.core.errors import BackendUnavailableError, OptionError
from eclectus.core.languages import EUROPEAN
from eclectus.core.types import LanguageGuess
from eclectus.text import language
from eclectus.text.language import LanguageDetector

DATA = Path(__file__).parents[2] / "data" / "languages.tsv"
LINES = [line.split("\t") for line in DATA.read_text(encoding="utf-8").splitlines()]
SENTENCES = [(code, text) for code, text in LINES]
DETECTOR = LanguageDetector()


@pytest.fixture
def unloaded() -> Iterator[None]:
    """Forget the library before and after, as if nothing had been detected yet."""
    language._identifier.cache_clear()
    yield
    language._identifier.cache_clear()


def first_words(text: str, count: int) -> str:
    return " ".join(text.split()[:count])


def code_of(text: str, languages: tuple[str, ...] = (), hint: str | None = None) -> str | None:
    guess = LanguageDetector(languages).detect(text, hint=hint)
    return guess.code if guess else None


def test_the_data_holds_ten_sentences_of_each_language() -> None:
    codes = [code for code, _ in SENTENCES]
    assert {code: codes.count(code) for code in codes} == dict.fromkeys(EUROPEAN, 10)
    assert all(5 <= len(text.split()) <= 15 for _, text in SENTENCES)


def test_more_than_95_in_100_sentences_get_their_language() -> None:
    right = [code_of(text) == code for code, text in SENTENCES]
    assert sum(right) / len(right) > 0.95


@pytest.mark.parametrize("code", EUROPEAN)
def test_every_language_is_told_from_all_others(code: str) -> None:
    found = [code_of(text) for own, text in SENTENCES if own == code]
    assert found.count(code) >= 9
    assert set(found) <= {code, None}


def test_capitals_and_punctuation_are_not_needed() -> None:
    bare = [(code, text.lower().replace(",", "").rstrip(".?")) for code, text in SENTENCES]
    assert sum(code_of(text) == code for code, text in bare) / len(bare) > 0.95


def test_an_answer_for_three_words_is_rarely_wrong() -> None:
    found = [(code, code_of(first_words(text, 3))) for code, text in SENTENCES]
    answers = [code == guess for code, guess in found if guess]
    assert len(answers) > 0.6 * len(found)
    assert sum(answers) / len(answers) > 0.95


@pytest.mark.parametrize(
    "text", ["", "  \n", "12 30, 45!", "…?", "Hotel", "Okay super", "12 la 3 de"]
)
def test_too_little_text_has_no_language(text: str) -> None:
    assert DETECTOR.detect(text) is None


def test_text_that_could_be_several_languages_has_none() -> None:
    assert DETECTOR.detect("radio video hotel") is None


def test_a_script_of_one_language_decides_alone() -> None:
    assert DETECTOR.detect("Ναι") == LanguageGuess("el", 1.0)
    assert LanguageDetector(("de", "fr", "uk")).detect("Так") == LanguageGuess("uk", 1.0)


def test_a_script_of_none_of_the_languages_has_no_answer() -> None:
    assert DETECTOR.detect("今日はとても良い天気です") is None
    assert LanguageDetector(("de", "fr")).detect("Я не знаю, куда положил ключи") is None


def test_a_foreign_name_does_not_change_the_script() -> None:
    assert code_of("Ο Peter και η Maria είναι εδώ") == "el"


def test_only_the_given_languages_are_answers() -> None:
    danish = next(text for code, text in SENTENCES if code == "da")
    assert code_of(danish) == "da"
    assert code_of(danish, ("sv", "el", "uk")) == "sv"
    assert code_of(danish, ("sv", "de", "uk")) != "da"


def test_a_language_beyond_the_25_may_be_given() -> None:
    assert code_of("今日はとても良い天気です ね はい", ("en", "ja", "zh")) == "ja"


def test_confidence_grows_with_the_text() -> None:
    text = "Zajtra ráno pôjdem na trh kúpiť čerstvú zeleninu."
    short, long = DETECTOR.detect(first_words(text, 4)), DETECTOR.detect(text)
    assert short is not None
    assert long is not None
    assert 0.6 <= short.confidence < long.confidence <= 1.0


def test_a_hint_makes_short_text_enough() -> None:
    assert code_of("Danke schön") is None
    assert code_of("Danke schön", hint="de") == "de"


def test_a_hint_decides_between_neighbours() -> None:
    assert code_of("na koncert v sobotu") is None
    assert code_of("na koncert v sobotu", hint="sk") == "sk"
    assert code_of("na koncert v sobotu", hint="cs") == "cs"


def test_a_wrong_hint_does_not_change_a_clear_text() -> None:
    assert all(code_of(text, hint="de") in {code, None} for code, text in SENTENCES[::5])
    assert code_of("Ναι", hint="de") == "el"


def test_a_hint_must_be_one_of_the_languages() -> None:
    with pytest.raises(OptionError, match="'ja' is not one of de, fr"):
        LanguageDetector(("de", "fr")).detect("Guten Tag", hint="ja")


def test_an_unknown_language_is_refused_by_name() -> None:
    with pytest.raises(OptionError, match="may be xx"):
        LanguageDetector(("de", "xx")).detect("Das ist ein ganz normaler Satz")


def test_no_languages_stand_for_all_25() -> None:
    assert LanguageDetector(()).languages == LanguageDetector().languages == EUROPEAN
    assert LanguageDetector(["de", "fr", "de"]).languages == ("de", "fr")


@pytest.mark.usefixtures("unloaded")
def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    with pytest.raises(BackendUnavailableError, match=r"pip install 'eclectus\[language\]'"):
        DETECTOR.detect("Das ist ein ganz normaler Satz")
    assert DETECTOR.detect("Ναι") == LanguageGuess("el", 1.0)


@pytest.mark.usefixtures("unloaded")
def test_threads_load_the_library_once_and_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[str] = []
    original = importlib.import_module

    def count(name: str) -> ModuleType:
        loads.append(name)
        return original(name)

    monkeypatch.setattr(importlib, "import_module", count)
    texts = [text for _, text in SENTENCES[::3]] * 3
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(DETECTOR.detect, texts))
    assert loads.count("py3langid.langid") == 1
    assert together == [DETECTOR.detect(text) for text in texts]


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60), st.sampled_from([None, *EUROPEAN]))
def test_any_text_gets_an_allowed_language_or_none(text: str, hint: str | None) -> None:
    guess = DETECTOR.detect(text, hint=hint)
    if guess is not None:
        assert guess.code in EUROPEAN
        assert 0.6 <= guess.confidence <= 1.0
