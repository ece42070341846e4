"""The eaRS WebSocket: each rule that its public clients depend on."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from eclectus.config.schema import Settings
from eclectus.config.server_options import ServerOptions
from tests.support.builtin import copy_builtin
from tests.support.clips import right
from tests.support.ears import (
    RATE,
    clip,
    hear,
    hear_all,
    hear_until,
    of_kind,
    opened,
    push,
    say,
    transcribed,
    wait_until,
)
from tests.support.server import Running, watched

ENGINE = {"type": "enginechanged", "engine": "parakeet"}


@pytest.fixture(scope="module")
def small() -> Iterator[Running]:
    """A server with one place, that tells of pauses."""
    options = ServerOptions(max_sessions=1, vad_messages=True)
    with watched(Settings(server=options)) as server:
        yield server


# Where it is


@pytest.mark.parametrize("path", ["", "/", "/stream", "/a/b/c?x=1", "/live/v2"])
def test_every_path_that_nothing_else_claims_speaks_ears(server: Running, path: str) -> None:
    with opened(server.ws + path) as ws:
        say(ws, type="getstatus")
        assert hear(ws) == ENGINE


@pytest.mark.parametrize("path", ["/v1/", "/v1/nothing", "/v1"])
def test_unknown_paths_below_v1_do_not_exist(server: Running, path: str) -> None:
    with pytest.raises(InvalidStatus) as refused, opened(server.ws + path):
        pass
    assert refused.value.response.status_code == 404
    assert b"not_found_error" in (refused.value.response.body or b"")


def test_the_path_of_another_live_protocol_is_not_taken_for_its_own(server: Running) -> None:
    with pytest.raises(InvalidStatus) as refused, opened(server.ws + "/v2/listen?model=flux"):
        pass
    assert refused.value.response.status_code == 404
    assert b"there is no WebSocket /v2/listen" in (refused.value.response.body or b"")


def test_a_refused_handshake_is_no_failure_of_the_server(caplog: pytest.LogCaptureFixture) -> None:
    with watched(Settings(server=ServerOptions(api_keys=("secret",)))) as server:
        for path in ("/", "/v1/nothing"):
            with pytest.raises(InvalidStatus), opened(server.ws + path):
                pass
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_pages_on_the_visitor_s_disk_may_use_it_where_that_is_allowed(server: Running) -> None:
    with pytest.raises(InvalidStatus), connect(server.ws, origin=Origin("null")):
        pass
    with (
        watched(Settings(server=ServerOptions(cors_origins=("null",)))) as open_server,
        connect(open_server.ws, origin=Origin("null")) as ws,
    ):
        ws.send("hello")
        assert hear(ws) == ENGINE


# How it begins


def test_nothing_is_said_before_the_first_message(server: Running) -> None:
    with opened(server.ws) as ws, pytest.raises(TimeoutError):
        ws.recv(timeout=0.3)
    assert server.service.sessions == 0


@pytest.mark.parametrize("first", ["not json", "{}", '{"type":"pause"}', b"", b"\0" * 8])
def test_the_engine_comes_first_whatever_the_client_says(
    server: Running, first: str | bytes
) -> None:
    with opened(server.ws) as ws:
        ws.send(first)
        say(ws, type="getstatus")
        assert [hear(ws)["type"], hear(ws)["type"]] == ["enginechanged", "status"]


def test_a_first_setengine_is_answered_after_the_engine(server: Running) -> None:
    with opened(server.ws) as ws:
        say(ws, type="setengine", engine="kyutai")
        assert [hear(ws) for _ in range(3)] == [
            ENGINE,
            ENGINE,
            {"type": "error", "message": "engine not available"},
        ]


# Audio and words


def test_words_are_told_once_in_order_and_again_in_final(server: Running) -> None:
    heard = transcribed(server.ws, clip("garden"))
    words, finals = of_kind(heard, "word"), of_kind(heard, "final")
    assert heard[0] == ENGINE
    assert len(finals) == 1
    assert heard[-1] is finals[0]
    assert right(finals[0]["text"])
    assert all(set(word) == {"type", "word", "start_time", "end_time"} for word in words)
    assert all(word["end_time"] is None for word in words)
    assert [(word["word"], word["start_time"]) for word in words] == [
        (word["word"], word["start_time"]) for word in finals[0]["words"]
    ]
    assert finals[0]["text"] == " ".join(word["word"] for word in finals[0]["words"])
    assert set(finals[0]) == {"type", "text", "words"}


def test_times_are_seconds_of_the_stream_and_never_go_back(server: Running) -> None:
    samples = np.concatenate([clip("garden"), clip("temper")])
    final = transcribed(server.ws, samples)[-1]
    spans = [(word["start_time"], word["end_time"]) for word in final["words"]]
    starts = [start for start, _ in spans]
    assert starts == sorted(starts)
    assert all(0 <= start <= end <= len(samples) / RATE for start, end in spans)
    assert starts[0] > 0.5  # a second of silence comes before the speech
    assert right(final["text"], "temper", share=0.3)
    assert right(final["text"])


@pytest.mark.slow
@pytest.mark.parametrize("size", [4, 4096, 8_916, 1 << 20])
def test_frames_may_have_any_length(server: Running, size: int) -> None:
    samples = clip("garden") if size > 4 else clip("garden")[: 3 * RATE]
    assert right(transcribed(server.ws, samples, size)[-1]["text"], share=0.3)


def test_the_odd_bytes_of_a_frame_are_dropped(server: Running) -> None:
    data = clip("garden").astype("<f4").tobytes()
    with opened(server.ws) as ws:
        for start in range(0, len(data), 4096):
            ws.send(data[start : start + 4096] + b"\xff\x7f\xff"[: start // 4096 % 4])
        ws.send(b"\x01\x02")
        say(ws, type="stop")
        assert right(hear_all(ws)[-1]["text"])


def test_a_frame_of_more_than_16_mib_is_taken(server: Running) -> None:
    quiet = np.zeros(5_000_000, np.float32)
    quiet[: len(clip("garden"))] = clip("garden")
    assert right(transcribed(server.ws, quiet, 4 * len(quiet))[-1]["text"])


def test_what_is_not_finite_or_too_loud_does_no_harm(server: Running) -> None:
    bad = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30] * 100, np.float32)
    final = transcribed(server.ws, np.concatenate([clip("garden"), bad, clip("temper")]))[-1]
    assert right(final["text"])
    assert right(final["text"], "temper", share=0.3)


def test_words_held_back_come_when_the_input_stalls(server: Running) -> None:
    with opened(server.ws) as ws:
        push(ws, clip("garden")[: int(3.3 * RATE)])  # it breaks off within the speech
        assert hear(ws) == ENGINE
        words = [hear(ws)["word"] for _ in range(3)]
        assert right(" ".join(words), share=0.1)
        push(ws, clip("temper"))
        say(ws, type="stop")
        heard = hear_all(ws)
    assert len(of_kind(heard, "final")) == 1
    assert right(heard[-1]["text"], share=0.3)


# How it ends


@pytest.mark.parametrize("stop", ['{"type":"stop"}', '{"type":"STOP","x":1}', "stop", " Stop\n"])
def test_stop_in_any_spelling_brings_one_final_and_the_close(server: Running, stop: str) -> None:
    with opened(server.ws) as ws:
        push(ws, clip("temper"))
        ws.send(stop)
        heard = hear_all(ws)
    assert heard[-1]["type"] == "final"
    assert right(heard[-1]["text"], "temper", share=0.3)
    assert len(of_kind(heard, "final")) == 1
    assert ws.close_code in (1000, 1005)


@pytest.mark.parametrize("seconds", [0, 3])
def test_silence_has_a_final_too(server: Running, seconds: int) -> None:
    heard = transcribed(server.ws, np.zeros(seconds * RATE, np.float32))
    assert heard == [ENGINE, {"type": "final", "text": "", "words": []}]


def test_nothing_counts_after_stop(server: Running) -> None:
    with opened(server.ws) as ws:
        push(ws, clip("temper"))
        say(ws, type="stop")
        with contextlib.suppress(ConnectionClosed):
            push(ws, clip("garden"))
            say(ws, type="restart")
            say(ws, type="stop")
        heard = hear_all(ws)
    assert [message["type"] for message in heard].count("final") == 1
    assert "garden" not in heard[-1]["text"]
    assert of_kind(heard, "enginechanged") == [ENGINE]


# Commands


def test_pause_and_resume_change_nothing(server: Running) -> None:
    with opened(server.ws) as ws:
        say(ws, type="pause")
        push(ws, clip("garden"))
        say(ws, type="resume")
        say(ws, type="stop")
        heard = hear_all(ws)
    assert right(heard[-1]["text"])
    assert {message["type"] for message in heard} == {"enginechanged", "word", "final"}


@pytest.mark.parametrize(
    ("engine", "replies"),
    [
        ("parakeet", [ENGINE]),
        ("PRKT", [ENGINE]),
        ("parakeet-rs", [ENGINE]),
        ("moshi", [ENGINE, {"type": "error", "message": "engine not available"}]),
        ("transcribe-cpp", [ENGINE, {"type": "error", "message": "engine not available"}]),
        ("whisper", [{"type": "error", "message": "unknown engine"}]),
    ],
)
def test_setengine_is_answered_and_the_session_goes_on(
    server: Running, engine: str, replies: list[dict[str, str]]
) -> None:
    with opened(server.ws) as ws:
        push(ws, clip("garden")[:RATE])
        assert hear(ws) == ENGINE
        say(ws, type="setengine", engine=engine)
        assert [hear(ws) for _ in replies] == replies
        push(ws, clip("garden")[RATE:])
        say(ws, type="stop")
        assert right(hear_all(ws)[-1]["text"])


def test_restart_forgets_the_session_and_its_clock(server: Running) -> None:
    with opened(server.ws) as ws:
        push(ws, clip("temper"))
        say(ws, type="restart")
        assert hear(ws) == ENGINE
        old = hear_until(ws, "enginechanged")
        assert {message["type"] for message in old} <= {"word", "enginechanged"}
        push(ws, clip("garden"))
        say(ws, type="stop")
        heard = hear_all(ws)
    assert len(of_kind(heard, "final")) == 1
    assert right(heard[-1]["text"])
    assert heard[-1]["words"][0]["start_time"] < 2


def test_each_restart_is_answered(server: Running) -> None:
    with opened(server.ws) as ws:
        for _ in range(5):
            say(ws, type="restart")
        say(ws, type="stop")
        heard = hear_all(ws)
    assert heard == [ENGINE] * 6 + [{"type": "final", "text": "", "words": []}]


def test_getstatus_has_all_six_fields(server: Running, small: Running) -> None:
    status = {
        "type": "status",
        "paused": False,
        "vad": False,
        "timestamps": False,
        "vad_timeout": None,
        "lang": None,
        "engine": "parakeet",
    }
    for one, vad in ((server, False), (small, True)):
        with opened(one.ws) as ws:
            say(ws, type="getstatus")
            assert [hear(ws), hear(ws)] == [ENGINE, status | {"vad": vad}]


@pytest.mark.parametrize("language", ["de", "xx", "", "no such language"])
def test_setlanguage_is_answered_as_by_ears_with_a_parakeet_model(
    server: Running, language: str
) -> None:
    with opened(server.ws) as ws:
        say(ws, type="setlanguage", lang=language)
        assert [hear(ws)["type"], hear(ws)["type"]] == ["enginechanged", "status"]


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"setvadtimeout","seconds":3.5}',
        '{"type":"setvadtimeout"}',
        '{"type":"setlanguage"}',
        '{"type":"setlanguage","lang":7}',
        '{"type":"setengine","engine":null}',
        '{"type":"GetStatus"}',
        '{"type":"start"}',
        '{"type":"ping"}',
        '{"type":7}',
        '{"type":"liststreams"',
        "[]",
        "null",
        '"stop it"',
        "[" * 5000,
        "",
        " " * 100_000,
        '{"type":"subscribe","stream_id":true}',
    ],
)
def test_text_that_means_nothing_is_ignored(server: Running, text: str) -> None:
    with opened(server.ws) as ws:
        say(ws, type="getstatus")
        hear_until(ws, "status")
        ws.send(text)
        say(ws, type="stop")
        assert [message["type"] for message in hear_all(ws)] == ["final"]


# Limits and leaving


def test_who_finds_no_place_is_told_before_the_close(small: Running) -> None:
    with opened(small.ws) as inside:
        say(inside, type="getstatus")
        hear_until(inside, "status")
        with opened(small.ws) as ws:
            say(ws, type="getstatus")
            assert hear_all(ws) == [
                {
                    "type": "error",
                    "message": "server busy - maximum concurrent sessions reached",
                }
            ]
        assert ws.close_code == 1013
        say(inside, type="stop")
        assert hear_all(inside)[-1]["type"] == "final"


@pytest.mark.parametrize("politely", [True, False])
def test_who_leaves_frees_the_place_at_once(small: Running, politely: bool) -> None:
    for _ in range(3):
        wait_until(lambda: small.service.sessions == 0)
        with opened(small.ws) as ws:
            push(ws, clip("garden"))
            assert hear(ws) == ENGINE
            if not politely:
                ws.close_socket()
    wait_until(lambda: small.service.sessions == 0)


def test_a_restart_needs_no_second_place(small: Running) -> None:
    wait_until(lambda: small.service.sessions == 0)
    with opened(small.ws) as ws:
        say(ws, type="restart")
        say(ws, type="getstatus")
        assert [hear(ws)["type"] for _ in range(3)] == ["enginechanged", "enginechanged", "status"]


def test_pauses_are_told_in_unix_seconds_if_the_server_is_told_to(
    server: Running, small: Running
) -> None:
    wait_until(lambda: small.service.sessions == 0)
    samples = np.concatenate([clip("garden"), clip("temper")])
    pauses = of_kind(transcribed(small.ws, samples), "pause")
    assert pauses
    assert all(set(pause) == {"type", "timestamp"} for pause in pauses)
    assert all(abs(pause["timestamp"] - time.time()) < 3600 for pause in pauses)
    assert of_kind(transcribed(server.ws, samples), "pause") == []


def test_a_server_that_ends_says_so() -> None:
    with watched(Settings()) as server:
        server.service.stop_admitting()
        with opened(server.ws) as ws:
            ws.send("hello")
            heard = hear_all(ws)
        assert "shutting down" in heard[0]["message"]
        assert ws.close_code == 1013


# Keys


def test_a_server_with_keys_wants_one_here_too() -> None:
    keyed = replace(Settings(), server=ServerOptions(api_keys=("secret",)))
    with watched(keyed) as server:
        with pytest.raises(InvalidStatus), opened(server.ws):
            pass
        with connect(server.ws, additional_headers={"Authorization": "Bearer secret"}) as ws:
            ws.send("hello")
            assert hear(ws) == ENGINE


# Extensions


def test_extensions_come_only_to_those_who_ask(server: Running) -> None:
    names = "language_detected,segment,confidence,nothing"
    heard = transcribed(f"{server.ws}/?extensions={names}", clip("garden"))
    language = {"type": "language_detected", "lang": "en", "language": "en", "confidence": 1.0}
    assert of_kind(heard, "language_detected") == [language]
    segments = of_kind(heard, "segment")
    assert " ".join(segment["text"] for segment in segments) == heard[-1]["text"]
    assert all(set(one) == {"type", "text", "start_time", "end_time"} for one in segments)
    told = [*of_kind(heard, "word"), *heard[-1]["words"]]
    assert all(0 <= word["confidence"] <= 1 for word in told)


@pytest.mark.slow
def test_a_model_of_many_languages_tells_which_one_it_hears(tmp_path: Path) -> None:
    folder = copy_builtin(tmp_path / "many", languages=["en", "de", "fi"])
    with watched(replace(Settings(), model=str(folder))) as server:
        with opened(f"{server.ws}/?extensions=language_detected") as ws:
            say(ws, type="setlanguage", lang="en")
            push(ws, clip("garden"))
            say(ws, type="stop")
            heard = hear_all(ws)
        plain = transcribed(server.ws, clip("garden"))
        with opened(server.ws) as ws:
            push(ws, clip("garden"))
            hear_until(ws, "word")
            say(ws, type="configure", extensions=["language_detected"])
            push(ws, clip("garden"))
            say(ws, type="stop")
            late = hear_all(ws)
    assert [one["lang"] for one in of_kind(late, "language_detected")] == ["en"]
    (told,) = of_kind(heard, "language_detected")
    assert told["lang"] == told["language"] == "en"
    assert 0.5 < told["confidence"] <= 1
    assert of_kind(plain, "language_detected") == []


def test_extensions_can_be_configured(server: Running) -> None:
    with opened(server.ws) as ws:
        say(ws, type="configure", extensions=["confidence", 7, "nothing"])
        assert hear(ws) == ENGINE
        assert hear(ws) == {"type": "configured", "extensions": ["confidence"]}
        push(ws, clip("garden"))
        say(ws, type="stop")
        heard = hear_all(ws)
    assert {message["type"] for message in heard} == {"word", "final"}
    assert all("confidence" in word for word in heard[-1]["words"])


def test_a_dead_connection_raises_for_the_client_only(server: Running) -> None:
    with opened(server.ws) as ws:
        push(ws, clip("temper"))
        say(ws, type="stop")
        hear_all(ws)
        with pytest.raises(ConnectionClosed):
            ws.send("more")
    wait_until(lambda: server.service.sessions == 0)
