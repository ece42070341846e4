"""The file routes of other servers: FastAPI services, whisper.cpp, Deepgram."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import soundfile
from deepgram import DeepgramClient
from deepgram.environment import DeepgramClientEnvironment

from eclectus.output.registry import FORMATS
from eclectus.output.transcript_format import TranscriptFormat
from tests.support.clips import right
from tests.support.read_back import reader_of

GARDEN = Path(__file__).resolve().parents[1] / "data" / "garden.flac"
DATA = GARDEN.read_bytes()


def post(url: str, data: bytes | None = DATA, **fields: Any) -> httpx.Response:
    files = None if data is None else {"file": ("garden.flac", data)}
    return httpx.post(url, data=fields, files=files, timeout=60)


@pytest.mark.parametrize("path", ["/transcribe", "/audio/transcriptions"])
def test_the_fastapi_services_shape_has_times_if_asked(server_url: str, path: str) -> None:
    found = post(server_url + path, should_chunk="false").json()
    assert found.keys() == {"text", "timestamps"}
    assert right(found["text"])
    assert found["timestamps"] is None
    timed = post(server_url + path, include_timestamps="true").json()["timestamps"]
    assert timed.keys() == {"words", "segments"}
    for part in (*timed["words"], *timed["segments"]):
        assert part.keys() == {"text", "start", "end"}
        assert 0 <= part["start"] <= part["end"] < 6
    assert " ".join(word["text"] for word in timed["words"]) == found["text"]


@pytest.mark.parametrize(
    ("data", "fields", "status"),
    [(None, {}, 422), (b"text" * 99, {}, 400), (DATA, {"include_timestamps": "later"}, 422)],
)
@pytest.mark.parametrize("path", ["/transcribe", "/audio/transcriptions"])
def test_errors_of_the_fastapi_services_are_details(
    server_url: str, path: str, data: bytes | None, fields: dict[str, str], status: int
) -> None:
    answer = post(server_url + path, data, **fields)
    assert answer.status_code == status
    assert answer.json().keys() == {"detail"}


@pytest.mark.parametrize("file", FORMATS.values(), ids=list(FORMATS))
def test_a_file_of_every_output_format_can_be_had(server_url: str, file: TranscriptFormat) -> None:
    answer = post(f"{server_url}/transcribe", output_format=file.name)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"{file.media_type}; charset=utf-8"
    assert right(" ".join(row.text for row in reader_of(file.name)(answer.text)))


def test_an_output_format_that_is_not_there_is_named_with_those_that_are(server_url: str) -> None:
    answer = post(f"{server_url}/transcribe", output_format="strt")
    assert answer.status_code == 422
    assert "Did you mean srt?" in answer.text
    form = httpx.get(f"{server_url}/openapi.json").json()["paths"]["/transcribe"]["post"]
    fields = form["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    assert fields["output_format"]["anyOf"][0]["enum"] == list(FORMATS)


@pytest.mark.parametrize("wanted", [None, "json"])
def test_whisper_cpps_json_is_a_text(server_url: str, wanted: str | None) -> None:
    fields: dict[str, Any] = {"response_format": wanted} if wanted else {}
    found = post(f"{server_url}/inference", temperature="0.0", **fields).json()
    assert found.keys() == {"text"}
    assert right(found["text"])


@pytest.mark.parametrize(("wanted", "start"), [("text", ""), ("srt", "1\n"), ("vtt", "WEBVTT\n")])
def test_whisper_cpps_other_formats(server_url: str, wanted: str, start: str) -> None:
    answer = post(f"{server_url}/inference", response_format=wanted, language="auto")
    assert answer.text.startswith(start)
    assert right(answer.text)
    assert answer.headers["content-type"].startswith("text/")


def test_whisper_cpps_verbose_json_has_words_in_segments(server_url: str) -> None:
    found = post(f"{server_url}/inference", response_format="verbose_json").json()
    words = [word for segment in found["segments"] for word in segment["words"]]
    assert "".join(word["word"] for word in words).strip() == found["text"]
    assert all(0 <= word["probability"] <= 1 for word in words)


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        (None, {}),
        (b"text" * 99, {}),
        (DATA, {"response_format": "docx"}),
        (DATA, {"response_format": "diarized_json"}),
        (DATA, {"translate": "true"}),
    ],
)
def test_errors_of_whisper_cpp_are_its_own(
    server_url: str, data: bytes | None, fields: dict[str, str]
) -> None:
    answer = post(f"{server_url}/inference", data, **fields)
    assert answer.status_code == 400
    assert isinstance(answer.json()["error"], str)


def test_a_model_of_the_server_can_be_loaded_and_no_other(server_url: str) -> None:
    url = f"{server_url}/load"
    assert httpx.post(url, data={"model": "tiny"}).text == "Load was successful!"
    assert httpx.post(url, data={"model": "/models/ggml.bin"}).status_code == 404
    assert httpx.post(url).status_code == 400


@pytest.fixture
def deepgram(server_url: str) -> Iterator[DeepgramClient]:
    address = server_url.replace("http", "ws")
    environment = DeepgramClientEnvironment(
        base=server_url, production=address, agent=address, agent_rest=server_url
    )
    with httpx.Client(timeout=60) as client:
        yield DeepgramClient(api_key="any", environment=environment, httpx_client=client)


@pytest.mark.filterwarnings("ignore:websockets:DeprecationWarning")  # the client's own imports
def test_deepgrams_client_gets_words_with_confidences(deepgram: DeepgramClient) -> None:
    found: Any = deepgram.listen.v1.media.transcribe_file(
        request=DATA, model="nova-3", smart_format=True, utterances=True, paragraphs=True
    )
    (channel,) = found.results.channels
    (alternative,) = channel.alternatives
    assert right(alternative.transcript)
    assert " ".join(word.punctuated_word for word in alternative.words) == alternative.transcript
    for word in alternative.words:
        assert word.word == word.word.lower()
        assert 0 <= word.start <= word.end <= found.metadata.duration
        assert isinstance(word.confidence, float)
    assert channel.detected_language == "en"
    assert found.metadata.sha256 == hashlib.sha256(DATA).hexdigest()
    assert found.metadata.channels == 1
    spoken = " ".join(utterance.transcript for utterance in found.results.utterances)
    assert spoken == alternative.transcript
    (paragraph,) = alternative.paragraphs.paragraphs
    assert paragraph.num_words == len(alternative.words)


def test_samples_without_a_header_are_the_same_audio(server_url: str) -> None:
    samples, rate = soundfile.read(GARDEN, dtype="int16")
    raw = samples.astype("<i2").tobytes()
    query = f"encoding=linear16&sample_rate={rate}&model=nova-2&language=multi"
    one = httpx.post(f"{server_url}/v1/listen?{query}", content=raw, timeout=60).json()
    other = httpx.post(f"{server_url}/v1/listen", content=DATA, timeout=60).json()
    texts = [
        each["results"]["channels"][0]["alternatives"][0]["transcript"] for each in (one, other)
    ]
    assert texts[0] == texts[1]
    assert one["metadata"]["duration"] == other["metadata"]["duration"]
    assert one["metadata"]["sha256"] == hashlib.sha256(raw).hexdigest()
    assert "utterances" not in one["results"]


@pytest.mark.parametrize(
    ("query", "body", "status", "code"),
    [
        ("", b"", 400, "undecodable_audio"),
        ("", b"text" * 99, 400, "undecodable_audio"),
        ("encoding=opus", DATA, 400, "invalid_request"),
        ("encoding=linear16&sample_rate=0", DATA, 400, "invalid_request"),
        ("callback=http://a.example", DATA, 400, "invalid_request"),
        ("model=acme", DATA, 404, "model_not_found"),
    ],
)
def test_errors_of_deepgram_are_its_own(
    server_url: str, query: str, body: bytes, status: int, code: str
) -> None:
    answer = httpx.post(f"{server_url}/v1/listen?{query}", content=body, timeout=60)
    assert answer.status_code == status
    found = answer.json()
    assert found["err_code"] == code
    assert isinstance(found["err_msg"], str)


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"{}", b'{"url": 1}', b'{"url": "http://a.example/"}']
)
def test_a_web_address_is_not_fetched_unless_allowed(server_url: str, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = httpx.post(f"{server_url}/v1/listen", content=body, headers=headers)
    assert answer.status_code == 400
    if b"example" in body:
        assert "allow_urls" in answer.json()["err_msg"]
