"""The web page's own wire: its files, and what only the page asks for."""

import io
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from eclectus.apps.server.page.web import MEDIA_TYPES, POLICY, page_files
from eclectus.config.schema import Settings
from eclectus.config.server_options import ServerOptions
from eclectus.output.registry import FORMATS
from eclectus.output.transcript_format import TranscriptFormat
from tests.support.clips import spoken, words_of
from tests.support.read_back import reader_of
from tests.support.server import running, running_server

DATA = Path(__file__).resolve().parents[1] / "data"
GARDEN = DATA / "garden.flac"
KEY = "a/key+that=headers-only-take"


SAID = {*words_of(spoken())}


@pytest.fixture(scope="module")
def guarded() -> Iterator[str]:
    """A server with a key, a small limit, and place for one stream."""
    server = ServerOptions(api_keys=(KEY,), max_upload_mb=0.2, max_sessions=1)
    with running_server(Settings(server=server)) as url:
        yield url


def get(url: str, **headers: str) -> httpx.Response:
    return httpx.get(url, headers=headers, trust_env=False)


def post(url: str, **more: Any) -> httpx.Response:
    return httpx.post(url, timeout=60, trust_env=False, **more)


# The page's files


def test_the_page_is_html_that_no_other_site_may_use_or_frame(server_url: str) -> None:
    answer = get(f"{server_url}/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == POLICY
    assert "default-src 'self'" in POLICY
    assert "unsafe" not in POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "microphone=(self)" in answer.headers["permissions-policy"]


def test_every_file_of_the_page_is_served_as_what_it_is(server_url: str) -> None:
    for name in page_files():
        answer = get(f"{server_url}/web/files/{name}")
        assert answer.status_code == 200, name
        assert answer.headers["content-type"] == MEDIA_TYPES[name.rpartition(".")[2]]


def test_all_that_the_page_refers_to_is_there_and_nothing_is_elsewhere() -> None:
    names = set(page_files())
    for name, file in page_files().items():
        text = file.content.decode()
        asked = re.findall(r'from "\./([^"]+)"|/web/files/([\w.]+)', text)
        assert {one or other for one, other in asked} <= names, name
        addresses = set(re.findall(r"https?://[\w.]+", text))
        assert addresses <= {"http://www.w3.org"}, name
        # The policy forbids both, and browsers would drop them in silence.
        assert not re.search(r"<[^>]+\s(style|on\w+)=", text), name


def test_a_file_that_has_not_changed_is_not_sent_again(server_url: str) -> None:
    first = get(f"{server_url}/")
    again = get(f"{server_url}/", **{"if-none-match": f'"other", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert first.headers["cache-control"] == "no-cache"
    stale = get(f"{server_url}/", **{"if-none-match": '"other"'})
    assert stale.status_code == 200


def test_head_tells_of_the_page_without_sending_it(server_url: str) -> None:
    answer = httpx.head(f"{server_url}/", trust_env=False)
    assert answer.status_code == 200
    assert answer.content == b""
    assert int(answer.headers["content-length"]) == len(page_files()["index.html"].content)


@pytest.mark.parametrize("name", ["nothing.js", "..%2fapp.py", "%2e%2e/web.py", "__init__.py"])
def test_nothing_but_the_page_s_files_is_served(server_url: str, name: str) -> None:
    assert get(f"{server_url}/web/files/{name}").status_code == 404


def test_a_server_may_be_without_a_page() -> None:
    with running_server(Settings(server=ServerOptions(web=False))) as url:
        assert get(f"{url}/").status_code == 404
        assert get(f"{url}/web/files/app.js").status_code == 404
        assert get(f"{url}/web/info").status_code == 404
        with pytest.raises(InvalidStatus), connect(f"ws{url[4:]}/web/live"):
            pass


def test_the_page_is_open_and_what_it_asks_for_wants_the_key(guarded: str) -> None:
    assert get(f"{guarded}/").status_code == 200
    assert get(f"{guarded}/web/info").status_code == 401
    told = get(f"{guarded}/web/info", authorization=f"Bearer {KEY}").json()
    assert told["models"] == [{"name": "tiny", "languages": ["en"], "demonstration": True}]
    assert told["max_upload_mb"] == 0.2


# Files


def lines_of(answer: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(line) for line in answer.text.splitlines()]


def test_a_file_becomes_progress_and_a_transcript_with_confidences(server_url: str) -> None:
    answer = post(f"{server_url}/web/transcribe?language=en", content=GARDEN.read_bytes())
    assert answer.status_code == 200
    *progress, last = lines_of(answer)
    assert {line["type"] for line in progress} <= {"progress"}
    assert last["type"] == "transcript"
    assert last["language"] == "en"
    words = [word for segment in last["segments"] for word in segment["words"]]
    assert len({*words_of(last["text"])} & SAID) > len(SAID) / 2
    assert all(0 <= word["confidence"] <= 1 for word in words)
    assert all(0 <= word["start"] <= word["end"] <= last["duration"] for word in words)


@pytest.mark.parametrize(
    ("query", "content", "status"),
    [
        ("", b"this is no audio", 400),
        ("", b"", 400),
        ("?language=xx", GARDEN.read_bytes(), 400),
        ("?model=nobody", GARDEN.read_bytes(), 404),
    ],
)
def test_what_can_not_be_transcribed_has_its_status(
    server_url: str, query: str, content: bytes, status: int
) -> None:
    answer = post(f"{server_url}/web/transcribe{query}", content=content)
    assert answer.status_code == status
    assert answer.json()["detail"]


def test_an_upload_that_is_too_large_is_refused_also_without_a_length(guarded: str) -> None:
    key = {"authorization": f"Bearer {KEY}"}
    large = b"x" * 300_000
    for content in (large, iter([large])):
        answer = post(f"{guarded}/web/transcribe", content=content, headers=key)
        assert answer.status_code == 413
        assert "0.2 MB" in answer.json()["detail"]


def test_strange_pages_may_not_use_the_visitor_s_access(server_url: str) -> None:
    strange = {"origin": "https://elsewhere.example"}
    answer = post(f"{server_url}/web/transcribe", content=GARDEN.read_bytes(), headers=strange)
    assert answer.status_code == 403
    with (
        pytest.raises(InvalidStatus),
        connect(f"ws{server_url[4:]}/web/live", additional_headers=strange),
    ):
        pass


@pytest.mark.slow
def test_a_visitor_who_leaves_stops_the_work() -> None:
    samples, rate = soundfile.read(GARDEN, dtype="float32")
    long = np.tile((samples * 32_767).astype(np.int16), round(600 * rate / len(samples)))
    with running() as (url, server):
        where = f"{url}/web/transcribe"
        client = httpx.Client(timeout=60, trust_env=False)
        with client, client.stream("POST", where, content=wav_of(long, rate)) as answer:
            first = json.loads(next(answer.iter_lines()))
        assert first["done_s"] < first["total_s"]
        until(lambda: server.service.files == 0)
        # What is completed is counted.
        assert b'audio_seconds_total{kind="file"' not in server.service.telemetry.render()


def wav_of(samples: NDArray[np.int16], rate: int) -> bytes:
    held = io.BytesIO()
    soundfile.write(held, samples, rate, format="WAV", subtype="PCM_16")
    return held.getvalue()


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


# Downloads

TRANSCRIPT = {
    "segments": [
        {
            "words": [
                {"text": "Good", "start": 0.5, "end": 0.8, "confidence": 0.9},
                {"text": "morning.", "start": 0.9, "end": 1.4, "confidence": 0.5},
            ]
        }
    ],
    "duration": 2.0,
    "language": "en",
    "model": "tiny",
}


@pytest.mark.parametrize("file", FORMATS.values(), ids=list(FORMATS))
def test_a_transcript_of_the_page_becomes_a_file_of_every_format(
    server_url: str, file: TranscriptFormat
) -> None:
    answer = post(f"{server_url}/web/render/{file.name}", json=TRANSCRIPT)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"{file.media_type}; charset=utf-8"
    assert [row.text for row in reader_of(file.name)(answer.text)] == ["Good morning."]


def test_the_page_has_a_button_for_every_format(server_url: str) -> None:
    text = get(f"{server_url}/").text
    found = re.findall('<button type="button" data-format="(.*?)" data-suffix="(.*?)"', text)
    assert found == [(file.name, file.suffix) for file in FORMATS.values()]
    for file in FORMATS.values():
        assert f'aria-label="Download as {file.title}">{file.name.upper()}</button>' in text


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {**TRANSCRIPT, "duration": -1},
        {**TRANSCRIPT, "segments": [{"words": []}]},
        {**TRANSCRIPT, "segments": [{"words": [{"text": "", "start": 0, "end": 0}]}]},
    ],
)
def test_what_is_no_transcript_is_refused(server_url: str, wrong: dict[str, Any]) -> None:
    assert post(f"{server_url}/web/render/srt", json=wrong).status_code == 400
    assert post(f"{server_url}/web/render/doc", json=TRANSCRIPT).status_code == 404


# Live streams


@contextmanager
def live(url: str, start: dict[str, Any] | str | None = None) -> Iterator[Connection]:
    """Begin a stream, or send something else as the first message."""
    with connect(f"ws{url[4:]}/web/live") as socket:
        if not isinstance(start, str):
            start = json.dumps({"type": "start", "sample_rate": 16_000, **(start or {})})
        socket.send(start)
        yield socket


def events_of(socket: Connection) -> list[dict[str, Any]]:
    events = []
    try:
        while True:
            events.append(json.loads(socket.recv(timeout=60)))
    except ConnectionClosed:
        return events


@pytest.mark.parametrize("form", ["s16", "f32"])
def test_speech_becomes_words_in_order(server_url: str, form: str) -> None:
    samples, rate = soundfile.read(GARDEN, dtype="float32")
    data = (samples * 32_767).astype("<i2") if form == "s16" else samples.astype("<f4")
    raw = data.tobytes()
    with live(server_url, {"sample_rate": rate, "format": form}) as socket:
        for at in range(0, len(raw), 4_999):  # no whole number of samples
            socket.send(raw[at : at + 4_999])
        socket.send('{"type": "finish"}')
        events = events_of(socket)
    kinds = [event["type"] for event in events]
    assert kinds[0] == "ready"
    assert kinds[-1] == "ended"
    assert {"speech", "partial", "final", "segment", "language"} <= set(kinds)
    words = [word for event in events if event["type"] == "final" for word in event["words"]]
    assert len({w for word in words for w in words_of(word["text"])} & SAID) > len(SAID) / 2
    assert all(word.keys() == {"text", "start", "end", "confidence"} for word in words)
    segments = [event["words"] for event in events if event["type"] == "segment"]
    assert [w["text"] for s in segments for w in s] == [w["text"] for w in words]
    assert [e["language"] for e in events if e["type"] == "language"] == ["en"]


@pytest.mark.parametrize(
    ("start", "status"),
    [
        ("no json", 400),
        ({"type": "begin"}, 400),
        ({"sample_rate": 1}, 400),
        ({"model": "nobody"}, 404),
    ],
)
def test_a_stream_that_begins_wrong_is_told_why(
    server_url: str, start: dict[str, Any] | str, status: int
) -> None:
    with live(server_url, start) as socket:
        (error,) = events_of(socket)
    assert (error["type"], error["status"]) == ("error", status)
    assert socket.close_code == 1008


def test_a_message_that_is_no_json_ends_the_stream(server_url: str) -> None:
    with live(server_url) as socket:
        socket.send("[")
        assert events_of(socket)[-1]["status"] == 400


def test_a_stream_shows_the_key_in_its_first_message(guarded: str) -> None:
    for key in (None, "wrong"):
        with live(guarded, {"key": key}) as socket:
            assert [event["status"] for event in events_of(socket)] == [401]
    with live(guarded, {"key": KEY}) as socket:
        assert json.loads(socket.recv(timeout=60)) == {"type": "ready", "model": "tiny"}


def test_a_stream_too_many_is_told_when_to_come_again(guarded: str) -> None:
    with live(guarded, {"key": KEY}) as first:
        first.recv(timeout=60)
        with live(guarded, {"key": KEY}) as second:
            (error,) = events_of(second)
        assert (error["status"], error["retry_after_s"]) == (503, 1.0)
        assert second.close_code == 1013


def test_a_visitor_who_closes_the_page_frees_the_place() -> None:
    with running() as (url, server):
        with live(url) as socket:
            socket.recv(timeout=60)
            socket.send(b"\0" * 32_000)
            assert server.service.sessions == 1
        until(lambda: server.service.sessions == 0)


def test_a_page_that_says_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eclectus.apps.server.page.web_ws._START_S", 0.05)
    with running() as (url, _), connect(f"ws{url[4:]}/web/live") as socket:
        assert [event["status"] for event in events_of(socket)] == [408]
