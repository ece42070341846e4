"""eaRS' messages, the words of a session and the queue of a listener."""

from __future__ import annotations

import asyncio
import json

import pytest

from eclectus.apps.server.ears.ears_hub import EarsListener, Hub, is_token
from eclectus.apps.server.ears.ears_session import stream_options
from eclectus.apps.server.ears.ears_shapes import (
    Command,
    SessionWords,
    known_extensions,
    parse_audio,
    parse_command,
    word_message,
)
from eclectus.core.options import LiveOptions, StreamOptions
from eclectus.core.types import Word


def spoken(text: str) -> SessionWords:
    words = SessionWords()
    for place, one in enumerate(text.split()):
        words.add(Word(one, place / 2, place / 2 + 0.4, 0.9))
    return words


def test_the_words_of_a_session_come_back_as_they_were() -> None:
    words = SessionWords()
    words.add(Word("Grüße,", 0.08, 0.4000000001, 0.91234567))
    words.add(Word("日本!", 0.56, 100_000.96, 1.0))
    assert len(words) == 2
    assert json.loads(words.final({"confidence"})) == {
        "type": "final",
        "text": "Grüße, 日本!",
        "words": [
            {"word": "Grüße,", "start_time": 0.08, "end_time": 0.4, "confidence": 0.9123},
            {"word": "日本!", "start_time": 0.56, "end_time": 100_000.96, "confidence": 1.0},
        ],
    }
    words.clear()
    assert words.final(()) == '{"type":"final","text":"","words":[]}'


def test_a_day_of_words_is_small_and_a_frame_that_clients_take() -> None:
    words = SessionWords()
    for place in range(24 * 60 * 150):
        words.add(Word("sixes,", place * 0.4, place * 0.4 + 0.3, 0.9))
    assert len(words._text) + words._numbers.itemsize * len(words._numbers) < 8_000_000
    assert len(words.final(())) < 16 * 1024 * 1024


def test_a_live_word_has_no_end() -> None:
    word = Word("so", 1.0, 1.2, 0.5)
    assert word_message(word, ())["end_time"] is None
    assert "confidence" not in word_message(word, ())


def test_commands_need_their_field() -> None:
    assert parse_command('{"type":"setengine","engine":"x","more":1}') == Command("setengine", "x")
    assert parse_command('{"type":"setvadtimeout","seconds":2}') == Command("setvadtimeout", 2)
    assert parse_command('{"type":"subscribe","stream_id":"1"}') is None
    assert parse_command('{"type":"configure","extensions":"segment"}') is None


@pytest.mark.parametrize("extra", range(4))
def test_audio_is_read_in_groups_of_four_bytes(extra: int) -> None:
    assert parse_audio(b"\0\0\x80\x3f" * 3 + b"\xff" * extra).tolist() == [1.0, 1.0, 1.0]


def test_unknown_extensions_are_passed_over() -> None:
    assert known_extensions(["segment", "x", 1, None, []]) == {"segment"}


def test_what_the_operator_chose_stays() -> None:
    ours = stream_options(StreamOptions()).live
    assert ours.chunk_s + ours.right_s <= 2
    assert not ours.emit_partial
    theirs = stream_options(StreamOptions(live=LiveOptions(chunk_s=0.4, right_s=3.0))).live
    assert (theirs.chunk_s, theirs.right_s) == (0.4, 3.0)


def test_a_listener_that_does_not_read_is_let_go() -> None:
    async def scene() -> None:
        hub, slow, quick = Hub(), EarsListener(), EarsListener()
        with hub.open() as stream:
            assert hub.subscribe(stream.identity, slow)
            assert hub.subscribe(stream.identity, quick)
            for place in range(1500):
                stream.tell(str(place))
                assert await quick.next() == str(place)
            assert slow.is_too_slow
            await slow.left_behind()
            assert stream.listeners == 1
            hub.leave(quick)
            assert stream.listeners == 0
        assert hub.streams == []
        assert not hub.subscribe(1, quick)
        with hub.open() as stream:
            assert stream.identity == 2

    asyncio.run(scene())


def test_only_the_right_tokens_open() -> None:
    assert is_token("b", ("a", "b"))
    assert not is_token("", ("a", "b"))
    assert not is_token("\ud800", ("a",))
    assert not is_token("a", ())
