"""IPA from the program espeak-ng, with the punctuation left in place."""

import re

from recipe.voices.base import SynthesisError, run

TIE = "^"
"""Joins the letters of one sound in the output of `ipa` with `tie=True`."""


def ipa(text: str, voice: str = "en-us", tie: bool = False) -> list[tuple[str, str]]:
    """Phonemes of a text, clause by clause.

    Args:
        text: A sentence.
        voice: A voice of espeak-ng, such as `en-us` or `en-gb`.
        tie: Whether affricates and diphthongs are joined by `TIE`.

    Returns:
        Pairs of IPA (with stress marks, words separated by spaces) and the mark of punctuation
        that ends the clause, which may be empty.

    Raises:
        SynthesisError: If espeak-ng fails or gives a clause no sound.
    """
    clauses = clauses_of(text)
    command = ["espeak-ng", "-q", "--ipa", "-v", voice, *([f"--tie={TIE}"] if tie else [])]
    # One paragraph a clause; an abbreviation's full stop would end the line of output too early.
    printed = run(command, "\n\n".join(words.replace(".", "") for words, _ in clauses) + "\n")
    lines = [re.sub(r"\([a-z-]+\)", "", line).strip() for line in printed.splitlines()]
    lines = [line for line in lines if line]
    if len(lines) != len(clauses):
        raise SynthesisError(f"espeak-ng gave {len(lines)} lines for {len(clauses)} clauses")
    return [(line, mark) for line, (_, mark) in zip(lines, clauses, strict=True)]


def clauses_of(text: str) -> list[tuple[str, str]]:
    """Cut a sentence at its punctuation: pairs of words and mark.

    The full stops of `Mr.`, `Mrs.` and `Dr.` are no punctuation.
    """
    text = re.sub(r"\b(Mrs?|Dr)\.(?=\s)", r"\1", text)
    parts = re.findall(r"([^,.!?]*[A-Za-z][^,.!?]*)([,.!?]?)", text)
    return [(words.strip(), mark) for words, mark in parts]
