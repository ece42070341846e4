"""Protocols that take files and live audio take both in the same way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import httpx
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from eclectus.apps.server.deepgram.deepgram_file_shapes import recorded
from eclectus.apps.server.deepgram.deepgram_live_shapes import TimedText, result
from eclectus.core.types import Segment, Transcript, Word
from tests.support.clips import DATA, pcm16, right, samples, ulaw
from tests.support.server import Running

LINEAR = "encoding=linear16&sample_rate=16000"


def live_status(server: Running, query: str) -> int:
    """What the handshake of Deepgram's live half is answered."""
    try:
        with connect(f"{server.ws}/v1/listen?{query}", proxy=None):
            return 200
    except InvalidStatus as refused:
        return refused.response.status_code


def file_answer(server: Running, query: str, body: bytes) -> httpx.Response:
    return httpx.post(f"{server.url}/v1/listen?{query}", content=body, timeout=60)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("model=nova-3", 200),
        ("model=Nova-3", 200),
        ("model=WHISPER-large", 200),
        ("model=whisper-1", 200),
        ("model=tiny", 200),
        ("model=canary", 404),
        ("language=en_US", 200),
        ("language=multi", 200),
        ("channels=12", 200),
        ("channels=33", 400),
        ("sample_rate=1", 400),
        ("sample_rate=384000", 200),
        ("callback=http://a.example/", 400),
    ],
)
def test_deepgrams_halves_answer_a_query_alike(server: Running, query: str, status: int) -> None:
    name = query.partition("=")[0]
    rest = "&".join(one for one in LINEAR.split("&") if not one.startswith(name))
    body = bytes(2 * 12 * 4_000)
    assert file_answer(server, f"{query}&{rest}", body).status_code == status
    assert live_status(server, f"{query}&{rest}") == status


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("100%", "100%"),
        ("C#", "c#"),
        ("wait—", "wait"),
        ("@home", "@home"),
        ("„So‚", "so"),
        ("Don't!", "don't"),
        ("—", "—"),
        ("…ÉTÉ", "été"),
    ],
)
def test_deepgrams_halves_tell_a_word_alike(text: str, bare: str) -> None:
    word = Word(text, 0.5, 1.0, 0.87654)
    transcript = Transcript((Segment((word,), 0.5, 1.0),), 2.0)
    answer = recorded(transcript, "", utterances=False, paragraphs=False)
    of_file = answer["results"]["channels"][0]["alternatives"]
    of_stream = result(TimedText(0.0, 2.0, (word,)), (0, 1), {})["channel"]["alternatives"]
    assert of_file == of_stream
    assert of_file[0]["words"][0]["word"] == bare


def test_deepgrams_halves_tell_of_the_model_alike(server: Running) -> None:
    answer = file_answer(server, LINEAR, bytes(32_000)).json()["metadata"]
    with connect(f"{server.ws}/v1/listen?{LINEAR}", proxy=None) as ws:
        ws.send('{"type": "Finalize"}')
        metadata = json.loads(ws.recv(timeout=60))["metadata"]
    assert answer["models"] == [metadata["model_uuid"]]
    assert answer["model_info"][metadata["model_uuid"]] == metadata["model_info"]


def _encoded() -> Mapping[str, bytes]:
    audio = samples(rate=8_000)
    return {
        "linear16": pcm16(audio),
        "linear32": np.asarray(audio, "<f4").tobytes(),
        "mulaw": ulaw(audio),
    }


@pytest.mark.parametrize("encoding", ["linear16", "linear32", "mulaw"])
def test_deepgrams_halves_know_the_same_encodings(server: Running, encoding: str) -> None:
    query, data = f"encoding={encoding}&sample_rate=8000", _encoded()[encoding]
    answer = file_answer(server, query, data)
    text = answer.json()["results"]["channels"][0]["alternatives"][0]["transcript"]
    assert right(text, share=0.3)
    finals: list[str] = []
    with connect(f"{server.ws}/v1/listen?{query}", proxy=None) as ws:
        ws.send(data)
        ws.send('{"type": "CloseStream"}')
        try:
            while True:
                told: dict[str, Any] = json.loads(ws.recv(timeout=60))
                if told.get("is_final"):
                    finals.append(told["channel"]["alternatives"][0]["transcript"])
        except ConnectionClosed:
            pass
    assert right(" ".join(filter(None, finals)), share=0.3)


def test_alaw_without_a_header_is_a_file_too(server: Running) -> None:
    answer = file_answer(server, "encoding=alaw&sample_rate=8000", bytes([0xD5]) * 8_000)
    assert answer.status_code == 200
    assert answer.json()["metadata"]["duration"] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("language", ["en", "EN", "en-US", "en_US", "auto"])
def test_the_pages_halves_know_the_same_languages(server: Running, language: str) -> None:
    file = httpx.post(
        f"{server.url}/web/transcribe?language={language}",
        content=(DATA / "garden.flac").read_bytes(),
        timeout=60,
    )
    assert file.status_code == 200
    with connect(f"{server.ws}/web/live", proxy=None) as ws:
        ws.send(json.dumps({"type": "start", "sample_rate": 16_000, "language": language}))
        assert json.loads(ws.recv(timeout=60))["type"] == "ready"


MODELS = pytest.mark.parametrize(
    ("name", "known"),
    [
        ("whisper-1", True),
        ("gpt-4o-transcribe", True),
        ("gpt-realtime-whisper", True),
        ("tiny", True),
        ("anyone/tiny", True),
        ("", True),
        ("nova-3", False),
        ("canary", False),
    ],
)


@MODELS
def test_openais_halves_know_the_same_models(server: Running, name: str, known: bool) -> None:
    clip = (DATA / "garden.flac").read_bytes()
    url = f"{server.url}/v1/audio/transcriptions"
    file = httpx.post(url, files={"file": clip}, data={"model": name}, timeout=60)
    with connect(f"{server.ws}/v1/realtime?model={name}", proxy=None) as ws:
        first = json.loads(ws.recv(timeout=60))
    if known:
        assert file.status_code == 200
        assert first["type"] == "session.created"
    else:
        assert file.status_code == 404
        assert file.json()["error"] == {
            key: first["error"][key] for key in ("message", "type", "param", "code")
        }


@MODELS
def test_the_pages_halves_know_the_same_models(server: Running, name: str, known: bool) -> None:
    clip = (DATA / "garden.flac").read_bytes()
    file = httpx.post(f"{server.url}/web/transcribe?model={name}", content=clip, timeout=60)
    with connect(f"{server.ws}/web/live", proxy=None) as ws:
        ws.send(json.dumps({"type": "start", "sample_rate": 16_000, "model": name}))
        first = json.loads(ws.recv(timeout=60))
    assert file.status_code == (200 if known else 404)
    assert first.get("status") == (None if known else 404)


def refusals(server: Running, path: str, *messages: str) -> tuple[list[dict[str, Any]], int | None]:
    """What a live wire says up to its close, and the close code."""
    told = []
    with connect(server.ws + path, proxy=None) as ws:
        for message in messages:
            ws.send(message)
        with suppress(ConnectionClosed):
            while True:
                told.append(json.loads(ws.recv(timeout=60)))
        return told, ws.close_code


def test_a_language_that_the_model_does_not_know_is_refused_by_both_halves(
    server: Running,
) -> None:
    clip = (DATA / "garden.flac").read_bytes()
    answer = file_answer(server, "language=de-AT", clip)
    assert answer.status_code == 400
    told, code = refusals(server, f"/v1/listen?{LINEAR}&language=de-AT")
    assert (told[-1]["variant"], code) == (answer.json()["err_code"], 1008)
    assert told[-1]["description"] == answer.json()["err_msg"]

    page = httpx.post(f"{server.url}/web/transcribe?language=de", content=clip, timeout=60)
    start = json.dumps({"type": "start", "sample_rate": 16_000, "language": "de"})
    told, code = refusals(server, "/web/live", start)
    assert (told[-1]["status"], code) == (page.status_code, 1008)
    assert told[-1]["message"] == page.json()["detail"]

    url, form = f"{server.url}/v1/audio/transcriptions", {"language": "de"}
    openai = httpx.post(url, files={"file": clip}, data=form, timeout=60)
    told, code = refusals(server, "/v1/realtime?language=de")
    problem = openai.json()["error"]
    assert {key: told[-1]["error"][key] for key in problem} == problem
    assert code == 1008


def test_a_realtime_session_goes_on_after_a_language_that_it_can_not_have(server: Running) -> None:
    with connect(f"{server.ws}/v1/realtime", proxy=None) as ws:
        for language in ("de", "en"):
            audio = {"input": {"transcription": {"language": language}}}
            ws.send(json.dumps({"type": "session.update", "session": {"audio": audio}}))
        kinds = [json.loads(ws.recv(timeout=60))["type"] for _ in range(3)]
    assert kinds == ["session.created", "error", "session.updated"]
