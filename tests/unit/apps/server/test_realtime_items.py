import asyncio
from typing import Any

from eclectus.apps.server.openai.realtime_items import Items
from eclectus.core.types import Token, Word


def test_an_item_that_fails_is_told_once_and_the_next_one_is_new() -> None:
    told: list[dict[str, Any]] = []

    async def tell(kind: str, **fields: Any) -> None:
        told.append({"type": kind, **fields})

    async def play() -> None:
        items = Items(tell, beta=False)
        await items.fail({"code": "early"})
        assert not told
        await items.say((Word("lost", 0.0, 1.0, 0.9),), logprobs=True)
        await items.fail({"code": "inference_error"})
        assert not items.open
        await items.say((Word("kept", 1.0, 2.0, 0.9),), logprobs=False)
        await items.complete(1.0, logprobs=False)

    asyncio.run(play())
    failed = told[1]
    assert failed["type"] == "conversation.item.input_audio_transcription.failed"
    assert failed["item_id"] == told[0]["item_id"] != told[2]["item_id"]
    assert failed["error"] == {"code": "inference_error"}
    assert told[2]["delta"] == told[-1]["transcript"] == "kept"


def test_log_probabilities_are_the_tokens_own() -> None:
    told: list[dict[str, Any]] = []

    async def tell(kind: str, **fields: Any) -> None:
        told.append({"type": kind, **fields})

    async def play() -> None:
        items = Items(tell, beta=False)
        token = Token(3, " tea", 0.0, 1.0, 0.9, -2.5)
        await items.say((Word("tea", 0.0, 1.0, 0.9, tokens=(token,)),), logprobs=True)
        await items.complete(1.0, logprobs=True)

    asyncio.run(play())
    assert [one["logprob"] for one in told[0]["logprobs"]] == [-2.5]
    assert told[-1]["logprobs"] == told[0]["logprobs"]
