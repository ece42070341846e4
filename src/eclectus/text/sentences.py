"""Decides where a sentence ends: a few rules over words, no language model."""

from __future__ import annotations

import re

_CLOSERS = "\"'”’»›)]}」』）】］"
_OPENERS = "\"'“‘«‹([{¿¡„‚「『（【-–—"
_TERMINATORS = ".?!…。？！｡؟।॥։۔"


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Never the last word of a sentence: a name, a number or an explanation follows.
_ABBREVIATIONS = _set(
    "mr mrs ms dr prof st mme mlle sra srta dra dhr mevr "
    "e.g i.e z.b d.h u.a n.chr v.chr p.ej vs cf al approx viz bzw bijv np tzv"
)
# Of these only the capitalised form: "Gen. Lee", but "one more rep. Then".
_TITLES = _set(
    "mx rev hon gen col capt lt sgt cpl maj cmdr adm sen rep gov pres mt ft hr fr sr ud uds "
    "dott sig mgr ing"
)
_BEFORE_NUMBERS = _set("no nos nr núm num pp p fig vol ch sec art op ca")
_GERMAN_NOUNS_AFTER_ORDINALS = _set(
    "januar jänner februar märz april mai juni juli august september oktober november dezember "
    "jahrhundert jahrhunderts"
)
# After an abbreviation that may be a sentence's last word (Inc., U.S., J.), one of these
# begins a new sentence; any other capitalised word is taken for a name.
_STARTERS = _set(
    "the a an i he she it we they you this that these those there here his her its our their my "
    "but and so or if when while what why how who where in on at as after before then now yes no "
    "der die das ein eine er sie es wir ich und aber le la les il elle ils on nous je et mais "
    "el los las un una yo y pero lo gli"
)
_MAY_END = _set("inc ltd co corp jr bros ph.d m.d b.a m.a b.c a.d")
_ACRONYM = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]\.?")


def ends_sentence(word: str, following: str | None, *, cased: bool = True) -> bool:
    """Return whether a sentence ends after a word.

    `.`, `?`, `!`, `…`, their full-width forms and combinations, closing quotes and brackets
    after them, end one, except where the next word is lower-case, within numbers (`3.` `14`)
    and after abbreviations and initials (`Mr.`, `e.g.`, `No. 5`, `U.S. Army`, `J. K. Rowling`).

    Args:
        word: With the punctuation that is written on to it.
        following: The next word, None after the last.
        cased: Whether the text has capital letters at all; if not, a lower-case word says nothing.
    """
    bare = word.rstrip(_CLOSERS)
    core = bare.rstrip(_TERMINATORS)
    if core == bare:
        return False
    if following is None:
        return True
    heading = following.lstrip(_OPENERS)
    if cased and heading[:1].islower():
        return False
    return bare[len(core) :] != "." or _full_stop(core.lstrip(_OPENERS), heading)


def _full_stop(core: str, following: str) -> bool:
    """Return whether a single dot after a word is a full stop, not part of the word."""
    lower = core.lower()
    next_word = following.rstrip(_TERMINATORS + _CLOSERS + ",;:").lower()
    if core.isdigit():
        ordinal = len(core) <= 2 and next_word in _GERMAN_NOUNS_AFTER_ORDINALS
        return not (following[:1].isdigit() or ordinal)
    if lower in _ABBREVIATIONS or (lower in _TITLES and core[0].isupper()):
        return False
    if lower in _BEFORE_NUMBERS:
        return not following[:1].isdigit()
    if lower in {"a.m", "p.m"}:
        return True
    initial = len(core) == 1 and core.isalpha() and core.isupper() and core != "I"
    if initial or lower in _MAY_END or _ACRONYM.fullmatch(core):
        return next_word in _STARTERS
    return True


def ends_clause(word: str) -> bool:
    """Return whether a word closes a clause, so that a line or segment may break after it."""
    bare = word.rstrip(_CLOSERS)
    return bool(bare) and bare[-1] in ",;:、，；：–—" + _TERMINATORS
