"""JSON that strangers send."""

import json

import pytest

from eclectus.apps.server.common.json_reader import LONGEST, read_json, read_object
from eclectus.apps.server.common.wire_errors import HttpError


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


@pytest.mark.parametrize(
    "text", ["{}", '{"a": [1, {"b": null}]}', nested(32), b'{"a": "\xc3\xa4"}']
)
def test_an_object_is_read(text: str | bytes) -> None:
    assert read_object(text) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        (b"\xff", "not JSON"),
        ("[1]", "not a JSON object"),
        ("1", "not a JSON object"),
        (nested(33), "deeper"),
        ("[" * 33 + "]" * 33, "deeper"),
        ('{"a":[1,' + nested(40) + "]}", "deeper"),
        ("[" * 60_000, "not JSON"),
        ('{"a": "' + "x" * LONGEST + '"}', "longer"),
    ],
)
def test_what_is_no_object_or_would_be_endless_is_refused(text: str | bytes, why: str) -> None:
    with pytest.raises(HttpError, match=why) as refused:
        read_object(text)
    assert (refused.value.meaning.status, refused.value.error_code) == (400, "invalid_json")


def test_other_values_and_other_lengths_can_be_asked_for() -> None:
    assert read_json("[1, 2]") == [1, 2]
    assert len(read_json('"' + "x" * LONGEST + '"', 2 * LONGEST)) == LONGEST


def test_a_long_message_has_few_values() -> None:
    audio = '{"type": "append", "audio": "' + "A" * 1_000_000 + '"}'
    assert read_json(audio, 2_000_000)["type"] == "append"
    for sign in ("[],", "0,"):
        many = "[" + sign * 100_000 + "0]"
        for text in (many, many.encode()):
            with pytest.raises(HttpError, match="more than 2000 values"):
                read_json(text, 2_000_000)
