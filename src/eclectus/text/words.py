"""From a hypothesis in frames to tokens and words in seconds."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from eclectus.core.protocols import Tokenizer
from eclectus.core.timebase import TimeBase
from eclectus.core.types import FloatArray, Hypothesis, Token, Word
from eclectus.text.tokenizer import UNDECODABLE

# Signs of Unicode's punctuation categories that are spoken as a word.
_SPOKEN_SIGNS = frozenset("&@#%*/\\§†‡‰‱")
_OPENING_CATEGORIES = frozenset({"Ps", "Pi"})
_OPENING_SIGNS = frozenset("¿¡„‚")


def to_tokens(
    hypothesis: Hypothesis,
    confidences: FloatArray,
    tokenizer: Tokenizer,
    time_base: TimeBase,
    duration_s: float,
    start_s: float = 0.0,
    tail_frames: int = 0,
) -> tuple[Token, ...]:
    """Give each token its text and its time in seconds; none is left out.

    A token lasts from the start of its frame to the start of (frame + duration), plus the tail
    that the model needs, but never into the next token nor past the end of the audio; one of
    duration 0 (TDT) lasts until the next token, one frame at most. Special tokens have no text. A
    character that is spelt in several byte pieces is the text of the first of them; the others'
    text is empty.

    Args:
        hypothesis: Frames count from the beginning of the audio.
        confidences: (U,) in [0, 1].
        tokenizer: Of the model that made the hypothesis.
        time_base: Of the same model.
        duration_s: Length of the audio in seconds.
        start_s: Where the audio begins on its source, in seconds; added to all times.
        tail_frames: Of the same model, see `ModelConfig`.

    Raises:
        ValueError: There are more or fewer confidences than tokens.
    """
    if len(confidences) != len(hypothesis):
        raise ValueError(f"{len(confidences)} confidences for {len(hypothesis)} tokens")
    ids = hypothesis.token_ids.tolist()
    # Rounding in a network's own log-softmax may pass 0; and -0.0 is an odd sight.
    log_probs = (np.minimum(hypothesis.log_probs, 0.0) + 0.0).tolist()
    spans = [
        (start_s + min(start, duration_s), start_s + min(end, duration_s))
        for start, end in _spans(hypothesis, time_base, tail_frames)
    ]
    return tuple(
        Token(token_id, text, start, end, confidence, log_prob)
        for token_id, text, (start, end), confidence, log_prob in zip(
            ids, _texts(ids, tokenizer), spans, confidences.tolist(), log_probs, strict=True
        )
    )


def to_words(
    tokens: Iterable[Token],
    tokenizer: Tokenizer,
    aggregate: Callable[[Sequence[float]], float],
) -> tuple[Word, ...]:
    """Join tokens to words; the tokens of a word are a view of what the model emitted.

    A word begins at a space (the `▁` of its piece). Special tokens are in no word. Punctuation
    that stands alone goes to the word before, an opening sign or one at the very beginning to the
    word after. Signs are silent, and models emit them well into the pause that follows; so their
    tokens are moved to the end of the sound before them, as NeMo does for TDT
    (`_refine_timestamps`), and a word ends where its sound does.

    Args:
        tokens: In order of time, as `to_tokens` gives them.
        tokenizer: Of the same model.
        aggregate: From the confidences of a word's tokens to the word's.
    """
    spelt = [token for token in tokens if is_spelt(token.id, tokenizer)]
    groups = _attach_punctuation(_split_at_spaces(spelt))
    return tuple(_word(group, aggregate) for group in groups)


def is_spelt(token_id: int, tokenizer: Tokenizer) -> bool:
    """Return whether a token contributes to the text, as all but special ones do."""
    return bool(tokenizer.piece(token_id))


def may_become_punctuation(text: str) -> bool:
    """Return whether the text of a last word may become punctuation when tokens are added.

    This is the case if it ends in bytes of a character whose other bytes are still missing.
    """
    return text.endswith(UNDECODABLE) and is_punctuation(text.rstrip(UNDECODABLE))


def is_punctuation(text: str) -> bool:
    """Return whether a text consists of punctuation and spaces, of which nothing is spoken."""
    return all(
        character.isspace()
        or (unicodedata.category(character)[0] == "P" and character not in _SPOKEN_SIGNS)
        for character in text
    )


def _texts(ids: list[int], tokenizer: Tokenizer) -> Iterator[str]:
    """Yield the text of each token; that of a run of bytes on their first."""
    pieces = [tokenizer.piece(token_id) for token_id in ids]
    position = 0
    while position < len(ids):
        begin = position
        while position < len(ids) and pieces[position] == UNDECODABLE:
            position += 1
        if position == begin:
            yield pieces[position]
            position += 1
        else:
            yield tokenizer.text(ids[begin:position])
            yield from [""] * (position - begin - 1)


def _spans(
    hypothesis: Hypothesis, time_base: TimeBase, tail_frames: int
) -> list[tuple[float, float]]:
    """Return (start, end) of each token from the beginning of the audio, in order, apart."""
    frames = _rising(hypothesis.frames.tolist())
    ends = [
        frame + max(duration, 1) + tail_frames
        for frame, duration in zip(frames, hypothesis.durations.tolist(), strict=True)
    ]
    limits = [*frames[1:], *ends[-1:]]
    return [
        (time_base.seconds(frame), time_base.seconds(min(end, limit)))
        for frame, end, limit in zip(frames, ends, limits, strict=True)
    ]


def _rising(frames: Iterable[int]) -> list[int]:
    """Raise each frame to the highest before it: where windows were joined, one may be lower."""
    highest = 0
    rising = []
    for frame in frames:
        highest = max(highest, frame)
        rising.append(highest)
    return rising


def _split_at_spaces(tokens: Iterable[Token]) -> list[list[Token]]:
    """Divide before each token that starts with a space or follows one that ends with one."""
    groups: list[list[Token]] = []
    after_space = True
    for token in tokens:
        if (token.text.startswith(" ") or after_space) and not _is_pending(groups):
            groups.append([])
        groups[-1].append(token)
        after_space = token.text.endswith(" ")
    if len(groups) > 1 and _is_pending(groups):
        trailing = groups.pop()
        groups[-1].extend(trailing)
    return groups if groups and _text(groups[0]) else []


def _is_pending(groups: list[list[Token]]) -> bool:
    """Return whether the last group is only a `▁` so far: the next token spells its word."""
    return bool(groups) and not _text(groups[-1])


def _attach_punctuation(groups: Iterable[list[Token]]) -> list[list[Token]]:
    attached: list[list[Token]] = []
    opening: list[Token] = []
    for group in groups:
        text = _text(group)
        if not is_punctuation(text):
            attached.append(opening + group)
            opening = []
        elif opening or not attached or _opens(text):
            opening = opening + group
        else:
            attached[-1] = attached[-1] + group
    if opening and attached:
        attached[-1] = attached[-1] + opening
    elif opening:
        attached.append(opening)
    return attached


def _opens(text: str) -> bool:
    last = text[-1]
    return last in _OPENING_SIGNS or unicodedata.category(last) in _OPENING_CATEGORIES


def _text(group: Iterable[Token]) -> str:
    return "".join(token.text for token in group).strip()


def _word(group: Sequence[Token], aggregate: Callable[[Sequence[float]], float]) -> Word:
    tokens = tuple(_silence_signs(group))
    return Word(
        # Each part is stripped: "Hello" and " ," make "Hello,".
        text=_join(tokens),
        start=tokens[0].start,
        end=tokens[-1].end,
        confidence=aggregate([token.confidence for token in tokens]),
        tokens=tokens,
    )


def _silence_signs(group: Sequence[Token]) -> Iterator[Token]:
    """Move each sign that follows a sound to the end of that sound."""
    sound_end: float | None = None
    for token in group:
        # An empty text is the rest of a character spelt in bytes: sound.
        if token.text and is_punctuation(token.text) and sound_end is not None:
            yield replace(token, start=sound_end, end=sound_end)
        else:
            if not is_punctuation(token.text) or not token.text:
                sound_end = token.end
            yield token


def _join(tokens: Sequence[Token]) -> str:
    """Spell a word: spaces beside punctuation that was attached go away, others stay."""
    text = ""
    for token in tokens:
        piece = token.text
        beside_sign = is_punctuation(piece.strip()) or is_punctuation(text)
        text += piece.strip() if beside_sign else piece
    return text.strip()
