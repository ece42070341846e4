"""What a Realtime session tells: turns become items, final words become deltas."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, TypeAlias

from eclectus.core.types import Word

Tell: TypeAlias = Callable[..., Awaitable[None]]
"""Sends an event: its type, and its fields by name."""

_TRANSCRIPTION = "conversation.item.input_audio_transcription"


def new_id(kind: str) -> str:
    """Return an id such as `item_…`."""
    return f"{kind}_{uuid.uuid4().hex[:24]}"


class Items:
    """The items of one session, one after another.

    The deltas of an item, joined, are its transcript: words are told when they are final.
    """

    def __init__(self, tell: Tell, *, beta: bool) -> None:
        """Begin a session.

        Args:
            tell: Sends events.
            beta: Whether they are named as in the beta.
        """
        self._tell = tell
        self.beta = beta
        self._open: str | None = None
        self._previous: str | None = None
        self._text = ""
        self._logprobs: list[dict[str, Any]] = []

    @property
    def open(self) -> bool:
        """Whether an item is under way."""
        return self._open is not None

    def forget(self) -> None:
        """Drop the item that is under way; nobody committed it."""
        self._open = None
        self._text = ""
        self._logprobs = []

    async def speech_started(self, at_ms: int) -> None:
        """Begin an item: somebody speaks."""
        await self._tell(
            "input_audio_buffer.speech_started", audio_start_ms=at_ms, item_id=self._identity()
        )

    async def speech_stopped(self, at_ms: int) -> None:
        """Tell that the item's speech has ended."""
        await self._tell(
            "input_audio_buffer.speech_stopped", audio_end_ms=at_ms, item_id=self._identity()
        )

    async def say(self, words: Sequence[Word], *, logprobs: bool) -> None:
        """Add final words to the item."""
        text = " ".join(word.text for word in words)
        delta = f" {text}" if self._text else text
        self._text += delta
        fields: dict[str, Any] = {"item_id": self._identity(), "content_index": 0, "delta": delta}
        if logprobs:
            fields["logprobs"] = list(_logprobs(words))
            self._logprobs += fields["logprobs"]
        await self._tell(f"{_TRANSCRIPTION}.delta", **fields)

    async def complete(self, seconds: float, *, logprobs: bool) -> None:
        """Commit the item; all of its words have been said.

        Args:
            seconds: Of audio that it holds.
            logprobs: Whether they are told.
        """
        identity, previous, text = self._identity(), self._previous, self._text
        found = self._logprobs
        self.forget()
        self._previous = identity
        links = {"item_id": identity, "previous_item_id": previous}
        await self._tell("input_audio_buffer.committed", **links)
        for kind in ("created",) if self.beta else ("added", "done"):
            await self._tell(
                f"conversation.item.{kind}", previous_item_id=previous, item=_item(identity)
            )
        fields: dict[str, Any] = {"item_id": identity, "content_index": 0, "transcript": text}
        if logprobs:
            fields["logprobs"] = found
        fields["usage"] = {"type": "duration", "seconds": round(max(0.0, seconds), 3)}
        await self._tell(f"{_TRANSCRIPTION}.completed", **fields)

    async def fail(self, error: dict[str, object]) -> None:
        """Tell that the item that is under way will not be completed."""
        if self._open is not None:
            fields = {"item_id": self._open, "content_index": 0, "error": error}
            self.forget()
            await self._tell(f"{_TRANSCRIPTION}.failed", **fields)

    def _identity(self) -> str:
        if self._open is None:
            self._open = new_id("item")
        return self._open


def _item(identity: str) -> dict[str, Any]:
    return {
        "id": identity,
        "object": "realtime.item",
        "type": "message",
        "status": "completed",
        "role": "user",
        "content": [{"type": "input_audio", "transcript": None}],
    }


def _logprobs(words: Sequence[Word]) -> Iterator[dict[str, Any]]:
    for token in (token for word in words for token in word.tokens):
        yield {
            "token": token.text,
            "logprob": token.log_prob,
            "bytes": list(token.text.encode()),
        }
