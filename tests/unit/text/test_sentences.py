import pytest

from eclectus.text.sentences import ends_clause, ends_sentence


@pytest.mark.parametrize(
    ("word", "following"),
    [
        ("done.", "Then"),
        ("done?", "Then"),
        ("done!", "Then"),
        ("done?!", "Then"),
        ("done…", "Then"),
        ("done...", "Then"),
        ('done."', "Then"),
        ("done.)", "Then"),
        ("done.»", "“Then"),
        ("完了。", "次"),
        ("完了？", "次"),
        ("kya।", "वह"),
        ("1990.", "Then"),
        ("12.", "He"),
        ("No.", "I"),
        ("p.m.", "They"),
        ("Inc.", "He"),
        ("U.S.", "The"),
        ("I.", "Paris"),
        ("rep.", "Peter"),
        ("done.", "42"),
        ("done.", None),
        ("Mr.", None),
    ],
)
def test_a_sentence_ends_here(word: str, following: str | None) -> None:
    assert ends_sentence(word, following)


@pytest.mark.parametrize(
    ("word", "following"),
    [
        ("done", "Then"),
        ("done,", "Then"),
        ("3.14", "Then"),
        ("3.", "14"),
        ("Mr.", "Smith"),
        ("(Dr.", "Who"),
        ("e.g.", "Berlin"),
        ("z.B.", "Berlin"),
        ("U.S.", "Army"),
        ("U.S.", "army"),
        ("St.", "Paul"),
        ("No.", "5"),
        ("Gen.", "Lee"),
        ("J.", "K."),
        ("K.", "Rowling"),
        ("Inc.", "Magazine"),
        ("3.", "Oktober"),
        ("etc.", "and"),
        ("so…", "he"),
        ('"Really?"', "he"),
        ("p.m.", "on"),
        ('"', "Then"),
    ],
)
def test_no_sentence_ends_here(word: str, following: str) -> None:
    assert not ends_sentence(word, following)


def test_without_capitals_a_small_letter_says_nothing() -> None:
    assert ends_sentence("done.", "then", cased=False)
    assert not ends_sentence("mr.", "smith", cased=False)


def test_a_clause_ends_at_punctuation() -> None:
    assert ends_clause("so,")
    assert ends_clause('so,"')
    assert not ends_clause("so")
    assert not ends_clause('"')
