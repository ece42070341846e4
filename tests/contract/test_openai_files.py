"""OpenAI's own client against the running server: files."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import httpx
import numpy as np
import openai
import pytest
import soundfile

from tests.support.clips import right
from tests.support.media import voice, write

ROOT = Path(__file__).resolve().parents[2]
GARDEN = ROOT / "tests" / "data" / "garden.flac"


@pytest.fixture
def client(server_url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server_url}/v1", api_key="any", max_retries=0) as made:
        yield made


@pytest.fixture(scope="module")
def story() -> bytes:
    """75 seconds: two windows."""
    samples, rate = soundfile.read(ROOT / "examples" / "clips" / "story.flac", dtype="float32")
    repeats = math.ceil(75 * rate / len(samples))
    return write(np.tile(samples, repeats)[: 75 * rate], rate, "FLAC")


def post(server_url: str, fields: dict[str, Any], path: str = "/v1/audio/transcriptions") -> Any:
    files = {"file": ("garden.flac", GARDEN.read_bytes())}
    return httpx.post(server_url + path, data=fields, files=files, timeout=60)


def test_json_has_text_usage_and_languages_of_the_right_types(client: openai.OpenAI) -> None:
    found = client.audio.transcriptions.create(file=GARDEN, model="whisper-1")
    assert isinstance(found.text, str)
    assert right(found.text)
    usage: Any = found.usage
    assert usage.type == "duration"
    assert usage.seconds == 5
    assert found.model_dump()["languages"] == [{"code": "en"}]
    assert found.logprobs is None


@pytest.mark.parametrize("wanted", ["text", "srt", "vtt"])
def test_plain_formats_are_strings(
    client: openai.OpenAI, wanted: Literal["text", "srt", "vtt"]
) -> None:
    found: Any = client.audio.transcriptions.create(
        file=GARDEN, model="gpt-4o-transcribe", response_format=wanted
    )
    assert isinstance(found, str)
    assert right(found)
    assert found.endswith("\n")
    assert found.startswith({"text": found[:1], "srt": "1\n00:00:0", "vtt": "WEBVTT\n"}[wanted])


@pytest.mark.parametrize(
    ("wanted", "words", "segments"),
    [
        ([], False, True),
        (["segment"], False, True),
        (["word"], True, False),
        (["word", "segment"], True, True),
    ],
)
def test_verbose_json_holds_what_is_asked_for(
    client: openai.OpenAI, wanted: list[Literal["word", "segment"]], words: bool, segments: bool
) -> None:
    found = client.audio.transcriptions.create(
        file=GARDEN,
        model="whisper-1",
        response_format="verbose_json",
        timestamp_granularities=wanted,
    )
    assert isinstance(found.duration, float | int)
    assert found.model_dump()["task"] == "transcribe"
    assert found.language == "en"
    assert bool(found.words) == words
    assert bool(found.segments) == segments
    for word in found.words or []:
        assert isinstance(word.word, str)
        assert 0 <= word.start <= word.end <= found.duration
    for number, segment in enumerate(found.segments or []):
        assert segment.id == number
        assert isinstance(segment.text, str)
        assert all(isinstance(token, int) for token in segment.tokens)
        assert isinstance(segment.seek, int)
        assert segment.avg_logprob <= 0
        assert 0 <= segment.start <= segment.end <= found.duration


def test_granularities_do_no_harm_to_other_formats(client: openai.OpenAI) -> None:
    found = client.audio.transcriptions.create(
        file=GARDEN, model="whisper-1", timestamp_granularities=["word"]
    )
    assert right(found.text)


def test_logprobs_spell_the_text(client: openai.OpenAI) -> None:
    found = client.audio.transcriptions.create(
        file=GARDEN, model="gpt-4o-transcribe", include=["logprobs"]
    )
    assert found.logprobs
    assert "".join(one.token or "" for one in found.logprobs) == found.text
    for one in found.logprobs:
        assert one.logprob is not None
        assert one.logprob <= 0
        assert bytes(int(byte) for byte in one.bytes or []).decode() == one.token


def test_every_field_of_the_client_is_taken(client: openai.OpenAI) -> None:
    found = client.audio.transcriptions.create(
        file=("noise.bin", GARDEN.read_bytes()),
        model="gpt-4o-mini-transcribe",
        language="en",
        prompt="A story.",
        temperature=0.2,
        chunking_strategy={
            "type": "server_vad",
            "threshold": 0.4,
            "silence_duration_ms": 300,
            "prefix_padding_ms": 200,
        },
        known_speaker_names=["Ann"],
        known_speaker_references=["data:audio/wav;base64,AAAA"],
        extra_body={"keywords": ["garden"], "languages": ["en", "de"], "unheard_of": "x"},
    )
    assert right(found.text)


@pytest.mark.parametrize(
    "fields",
    [
        {"timestamp_granularities": ["word", "segment"]},
        {"timestamp_granularities[]": ["word", "segment"]},
        {"timestamp_granularities": "word,segment"},
        {"timestamp_granularities[]": '["word", "segment"]'},
        {"timestamp_granularities": "word", "timestamp_granularities[]": "segment"},
    ],
)
def test_lists_come_in_every_form(server_url: str, fields: dict[str, Any]) -> None:
    found = post(server_url, {"response_format": "verbose_json", **fields}).json()
    assert found["words"]
    assert found["segments"]


@pytest.mark.parametrize(
    "fields",
    [
        {"chunking_strategy": "auto"},
        {"chunking_strategy": "server_vad"},
        {"chunking_strategy": '{"type": "server_vad", "threshold": 0.5}'},
        {"chunking_strategy[type]": "server_vad", "chunking_strategy[threshold]": "0.5"},
    ],
)
def test_a_chunking_strategy_comes_in_every_form(server_url: str, fields: dict[str, Any]) -> None:
    answer = post(server_url, fields)
    assert answer.status_code == 200
    assert right(answer.json()["text"])


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"response_format": "docx"}, "response_format"),
        ({"response_format": "diarized_json"}, "response_format"),
        ({"timestamp_granularities[]": "year"}, "timestamp_granularities"),
        ({"temperature": "warm"}, "temperature"),
        ({"chunking_strategy": "by hand"}, "chunking_strategy"),
        ({"stream": "perhaps"}, "stream"),
        ({"language": "xx"}, "language"),
    ],
)
def test_a_wrong_field_is_named(server_url: str, fields: dict[str, Any], param: str) -> None:
    answer = post(server_url, fields)
    assert answer.status_code == 400
    problem = answer.json()["error"]
    assert problem["param"] == param
    assert problem["type"] == "invalid_request_error"
    assert answer.headers["x-should-retry"] == "false"


def test_an_unknown_model_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.audio.transcriptions.create(file=GARDEN, model="acme/none")
    assert caught.value.code == "model_not_found"
    assert caught.value.param == "model"


def test_what_is_no_audio_is_a_bad_request(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.audio.transcriptions.create(file=("a.wav", b"no audio" * 99), model="whisper-1")
    assert caught.value.param == "file"
    assert caught.value.code == "undecodable_audio"


@pytest.mark.parametrize("fields", [{}, {"file": "text"}])
def test_a_missing_file_is_named(server_url: str, fields: dict[str, str]) -> None:
    answer = httpx.post(f"{server_url}/v1/audio/transcriptions", data=fields)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "file"


def test_a_translation_says_that_it_is_impossible(client: openai.OpenAI) -> None:
    with pytest.deprecated_call(), pytest.raises(openai.BadRequestError) as caught:
        client.audio.translations.create(file=GARDEN, model="whisper-1")
    assert caught.value.code == "unsupported_model"
    assert caught.value.param == "model"


def test_models_are_listed_and_found_by_name(client: openai.OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert names == ["tiny"]
    assert client.models.retrieve("tiny").id == "tiny"
    assert client.models.retrieve("eclectus/tiny").id == "tiny"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("acme/none")


def test_deltas_come_in_parts_and_are_the_text(client: openai.OpenAI, story: bytes) -> None:
    deltas: list[str] = []
    done = None
    with client.audio.transcriptions.create(
        file=("story.flac", io.BytesIO(story)), model="whisper-1", stream=True
    ) as events:
        for event in events:
            assert done is None
            if event.type == "transcript.text.delta":
                deltas.append(event.delta)
            elif event.type == "transcript.text.done":
                done = event
    assert done is not None
    assert len(deltas) > 1
    assert "".join(deltas) == done.text
    usage: Any = done.usage
    assert usage.seconds == 75
    assert done.model_dump()["languages"] == [{"code": "en"}]
    whole = client.audio.transcriptions.create(file=("story.flac", story), model="whisper-1")
    assert done.text == whole.text


def test_a_stream_tells_logprobs_if_asked(client: openai.OpenAI) -> None:
    with client.audio.transcriptions.create(
        file=GARDEN, model="gpt-4o-transcribe", stream=True, include=["logprobs"]
    ) as events:
        told = [*events]
    (done,) = [one for one in told if one.type == "transcript.text.done"]
    parts = [one for event in told[:-1] for one in getattr(event, "logprobs", None) or []]
    assert "".join(one.token for one in parts) == done.text
    assert [one.token for one in done.logprobs or []] == [one.token for one in parts]


def test_a_stream_is_lines_of_data_that_end_with_done(server_url: str) -> None:
    answer = post(server_url, {"stream": "true"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = [line for line in answer.text.split("\n\n") if line]
    assert all(line.startswith("data: ") for line in lines)
    assert lines[-1] == "data: [DONE]"
    assert json.loads(lines[-2].removeprefix("data: "))["type"] == "transcript.text.done"


def test_an_error_before_the_first_word_is_a_status_in_a_stream_too(
    client: openai.OpenAI,
) -> None:
    with pytest.raises(openai.BadRequestError):
        client.audio.transcriptions.create(
            file=("a.wav", b"no audio" * 99), model="whisper-1", stream=True
        )


def test_silence_streams_too(client: openai.OpenAI) -> None:
    silence = write(np.zeros(16_000, np.float32), 16_000, "WAV")
    with client.audio.transcriptions.create(
        file=("silence.wav", silence), model="whisper-1", stream=True
    ) as events:
        *deltas, done = events
    assert done.type == "transcript.text.done"
    assert "".join(one.delta for one in deltas if one.type == "transcript.text.delta") == done.text


def test_include_timestamps_selects_the_shape_of_the_fastapi_services(server_url: str) -> None:
    found = post(server_url, {"include_timestamps": "true"}).json()
    assert found.keys() == {"text", "timestamps"}
    assert found["timestamps"]["words"][0].keys() == {"text", "start", "end"}
    assert post(server_url, {"include_timestamps": "false"}).json()["timestamps"] is None
    chosen = post(server_url, {"include_timestamps": "true", "response_format": "json"}).json()
    assert "timestamps" not in chosen


def test_what_sounds_like_nothing_is_still_an_answer(server_url: str) -> None:
    files = {"file": ("hum.mp3", write(voice(0.3), 16_000, "MP3"))}
    answer = httpx.post(f"{server_url}/v1/audio/transcriptions", files=files)
    assert answer.status_code == 200
    assert isinstance(answer.json()["text"], str)
