"""Identifies the language of a text: by its script where that decides, else by statistics.

The statistics are those of py3langid (naive Bayes over byte sequences, after Lui and Baldwin 2012,
"langid.py: An Off-the-shelf Language Identification Tool"), the extra `language`.
"""

from __future__ import annotations

import importlib
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Protocol, cast

from eclectus.core.errors import BackendUnavailableError, OptionError
from eclectus.core.languages import EUROPEAN
from eclectus.core.types import LanguageGuess

# Below either there is no answer: of windows of three words or more that pass both, 99 in 100
# are right (docs/explanation/language.md).
_MIN_WORDS = 3
_MIN_CONFIDENCE = 0.6
# How much more likely than any other the hinted language is before the text is seen.
_HINT_WEIGHT = 10.0

_LATIN, _GREEK, _CYRILLIC, _OTHER = "latin", "greek", "cyrillic", "other"
# A language that is not named here may come in any script.
_SCRIPTS = dict.fromkeys(EUROPEAN, _LATIN) | {
    "el": _GREEK,
    "bg": _CYRILLIC,
    "ru": _CYRILLIC,
    "uk": _CYRILLIC,
}
_BLOCKS = (
    (0x0000, 0x024F, _LATIN),
    (0x0370, 0x03FF, _GREEK),
    (0x0400, 0x052F, _CYRILLIC),
    (0x1E00, 0x1EFF, _LATIN),
    (0x1F00, 0x1FFF, _GREEK),
)


class _Identifier(Protocol):
    def rank(self, text: str) -> list[tuple[str, float]]: ...


class LanguageDetector:
    """Identifies the language of a text; threads may share one.

    The library and its statistics (about 100 MiB) are loaded at the first text that needs them,
    once for all detectors of the process.

    Args:
        languages: ISO 639-1 codes to choose among, best those of the model that wrote the text;
            None or empty for the 25 of `EUROPEAN`.

    Raises:
        OptionError: From `detect`: the library does not know one of the languages, or the hint
            is not among them.
        BackendUnavailableError: From `detect`: the extra `language` is not installed, and the
            script alone does not decide.
    """

    def __init__(self, languages: Sequence[str] | None = None) -> None:
        self._languages = tuple(dict.fromkeys(languages or EUROPEAN))

    @property
    def languages(self) -> tuple[str, ...]:
        """The codes that it chooses among."""
        return self._languages

    def detect(self, text: str, *, hint: str | None = None) -> LanguageGuess | None:
        """Return the language of a text, or None if it is too short or could be several.

        A script that only one of the languages is written in decides alone, even in one word.
        Otherwise it takes three words, and one language well ahead of the others. Digits and
        punctuation say nothing.

        Args:
            text: Any length; its language is taken to be one of `languages`.
            hint: Code of the language that the caller expects. It counts as ten times as likely
                as any other, and with it fewer than three words are enough; text that is
                clearly in another language still gets its own.
        """
        self._check(hint)
        script = _script(text)
        if script is None:
            return None
        candidates = [code for code in self._languages if _SCRIPTS.get(code, script) == script]
        if len(candidates) < 2:
            return LanguageGuess(candidates[0], 1.0) if candidates else None
        if hint is None and _count_words(text) < _MIN_WORDS:
            return None
        weights = _probabilities(text, candidates)
        if hint in weights:
            weights[hint] *= _HINT_WEIGHT
        return _best(weights)

    def _check(self, hint: str | None) -> None:
        if hint is not None and hint not in self._languages:
            raise OptionError(
                f"The language {hint!r} is not one of {', '.join(self._languages)}.",
                option="language",
                value=hint,
            )


def _script(text: str) -> str | None:
    """Return the script of most of the letters, None if there are none."""
    counts: Counter[str] = Counter()
    for letter, count in Counter(filter(str.isalpha, text)).items():
        counts[_script_of(letter)] += count
    return max(counts, key=lambda script: counts[script]) if counts else None


def _script_of(letter: str) -> str:
    point = ord(letter)
    return next((script for low, high, script in _BLOCKS if low <= point <= high), _OTHER)


def _count_words(text: str) -> int:
    return sum(any(map(str.isalpha, word)) for word in text.split())


def _best(weights: Mapping[str, float]) -> LanguageGuess | None:
    """Return the heaviest if it is well ahead; all are 0 where no language is near the text."""
    total = sum(weights.values())
    code = max(weights, key=lambda key: weights[key])
    confidence = weights[code] / total if total > 0 else 0.0
    return LanguageGuess(code, confidence) if confidence >= _MIN_CONFIDENCE else None


def _probabilities(text: str, candidates: Sequence[str]) -> dict[str, float]:
    with _LOADING:
        identifier = _identifier()
    # The library's softmax runs over all its languages; the shares among ours stay the same.
    ranked = dict(identifier.rank(text))
    unknown = [code for code in candidates if code not in ranked]
    if unknown:
        raise OptionError(
            f"The language of a text can't be identified where it may be {', '.join(unknown)}; "
            f"known are {', '.join(sorted(ranked))}.",
            option="languages",
            value=tuple(unknown),
        )
    return {code: float(ranked[code]) for code in candidates}


_LOADING = threading.Lock()


@cache
def _identifier() -> _Identifier:
    try:
        langid = importlib.import_module("py3langid.langid")
    except ImportError as error:
        raise BackendUnavailableError(
            "Identifying the language of a text needs py3langid: pip install 'eclectus[language]'.",
            extra="language",
        ) from error
    made = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
    return cast("_Identifier", made)
