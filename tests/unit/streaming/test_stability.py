"""Agreement of drafts."""

from eclectus.core.types import Word
from eclectus.streaming.stability import agreeing


def words(*texts: str, start: int = 0) -> tuple[Word, ...]:
    return tuple(
        Word(text, float(start + place), start + place + 0.5, 1.0)
        for place, text in enumerate(texts)
    )


def test_leading_words_that_both_have_are_counted() -> None:
    assert agreeing(words("a", "b", "c"), words("a", "b", "d")) == 2
    assert agreeing(words("a"), words("a", "b")) == 1
    assert agreeing(words("x"), words("a", "b")) == 0
    assert agreeing((), words("a")) == 0
    assert agreeing(words("a"), ()) == 0


def test_words_that_became_final_in_between_do_not_count() -> None:
    assert agreeing(words("a", "b", "c"), words("b", "c", "d", start=1)) == 2
