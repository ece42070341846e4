"""`eclectus stream`."""

import io
import json
import re
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from eclectus.apps.cli import live_sources
from eclectus.apps.cli.live_sources import LiveSource, from_pipe, gathered
from eclectus.apps.cli.live_view import JsonView, LineView, LiveView, TerminalView
from eclectus.core.errors import BackendUnavailableError
from eclectus.core.types import FloatArray, Word
from eclectus.streaming.events import Ended, Endpoint, EndpointReason, Final, Partial
from tests.support.builtin import copy_builtin
from tests.support.clips import right
from tests.support.command_line import Cli

RATE = 16_000


def test_a_file_gives_a_line_an_utterance(cli: Cli, clip: Path) -> None:
    done = cli("stream", clip)
    assert done.code == 0
    assert right(done.out)
    assert len(done.out.splitlines()) == 1
    assert "built-in" in done.err


def test_json_has_an_object_for_each_event(cli: Cli, clip: Path) -> None:
    done = cli("stream", clip, "--json", "-q", "--chunk", "0.4", "--right", "0.4")
    events = [json.loads(line) for line in done.out.splitlines()]
    kinds = [event["type"] for event in events]
    assert kinds[0] == "speech_started"
    assert {"partial", "final", "segment", "endpoint"} <= set(kinds)
    assert kinds[-1] == "ended"
    words = [word for event in events if event["type"] == "final" for word in event["words"]]
    assert all(0 <= word["confidence"] <= 1 for word in words)
    assert [word["start"] for word in words] == sorted(word["start"] for word in words)


def test_drafts_and_endpoints_can_be_left_out(cli: Cli, clip: Path) -> None:
    done = cli("stream", clip, "--json", "-q", "--no-partials", "--no-endpoints")
    kinds = {json.loads(line)["type"] for line in done.out.splitlines()}
    assert kinds == {"final", "segment", "endpoint", "ended"}


def test_results_are_written_at_the_end(cli: Cli, clip: Path) -> None:
    done = cli("stream", clip, "-q", "-f", "srt,json", "-o", "results")
    assert (done.code, done.out) == (0, "")
    assert "-->" in Path("results/garden.srt").read_text(encoding="utf-8")
    found = json.loads(Path("results/garden.json").read_text(encoding="utf-8"))
    assert right(found["text"])


def test_what_was_heard_is_kept(cli: Cli, clip: Path) -> None:
    assert cli("stream", clip, "-q", "--save-audio", "heard.wav").code == 0
    heard, rate = sf.read("heard.wav")
    given, _ = sf.read(clip)
    assert rate == RATE
    np.testing.assert_allclose(heard, given, atol=1e-4)


def test_raw_samples_come_through_a_pipe(clip: Path) -> None:
    samples, _ = sf.read(clip, dtype="int16")
    done = subprocess.run(
        [sys.executable, "-m", "eclectus.apps.cli.main", "stream", "-", "-q"],
        input=samples.astype("<i2").tobytes(),
        capture_output=True,
        check=True,
    )
    assert right(done.stdout.decode())


@pytest.mark.parametrize("header", [True, False])
def test_a_pipe_gives_the_samples_without_a_header(header: bool) -> None:
    samples = np.arange(-3000, 3000, dtype="<i2")
    file = io.BytesIO()
    sf.write(file, samples, RATE, subtype="PCM_16", format="WAV")
    data = file.getvalue() if header else samples.tobytes()
    found = np.concatenate(list(from_pipe(io.BytesIO(data), RATE).blocks))
    np.testing.assert_array_equal(found * 32768, samples)


def test_half_a_sample_at_the_end_of_a_pipe_is_dropped() -> None:
    assert [len(block) for block in from_pipe(io.BytesIO(b"\0" * 101), RATE).blocks] == [50]
    assert [len(block) for block in from_pipe(io.BytesIO(b"\0\0\0"), RATE).blocks] == [1]
    assert list(from_pipe(io.BytesIO(b"\0"), RATE).blocks) == []


def test_a_source_that_breaks_is_told_after_what_came_before() -> None:
    def blocks() -> Iterator[FloatArray]:
        yield np.ones(3, np.float32)
        raise OSError("gone")

    got: list[int] = []

    def follow() -> None:
        got.extend(len(block) for block in gathered(LiveSource("test", RATE, blocks())))

    with pytest.raises(OSError, match="gone"):
        follow()
    assert got == [3]


def test_a_missing_file_ends_with_its_error(cli: Cli) -> None:
    done = cli("stream", "nowhere.wav")
    assert done.code == 4
    assert "nowhere.wav" in done.err


def test_without_the_extra_the_microphone_names_it(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    for arguments in (["stream"], ["stream", "--list-devices"]):
        done = cli(*arguments)
        assert done.code == 4
        assert "eclectus[mic]" in done.err
    with pytest.raises(BackendUnavailableError):
        live_sources.list_microphones()


class FakePortAudio(types.ModuleType):
    """As much of PortAudio's Python face as a microphone needs; it plays one block."""

    PortAudioError = RuntimeError

    def __init__(self, samples: FloatArray) -> None:
        super().__init__("sounddevice")
        self.samples = samples

    def query_devices(self, device: object = None, kind: object = None) -> object:
        facts = {"name": "Desk", "max_input_channels": 1, "default_samplerate": 16_000.0}
        if device == "none":
            raise ValueError("No input device matching 'none'")
        return facts if kind else [facts, {**facts, "name": "Speaker", "max_input_channels": 0}]

    def InputStream(self, callback: Callable[..., None], **_: object) -> io.BytesIO:  # noqa: N802
        callback(self.samples[:, None], len(self.samples), None, None)
        return io.BytesIO()


def test_microphones_are_listed_and_a_wrong_one_is_named(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", FakePortAudio(np.zeros(10, np.float32)))
    assert cli("stream", "--list-devices").out == "0  Desk  (1 channels, 16000 Hz)\n"
    done = cli("stream", "--input-device", "none")
    assert done.code == 2
    assert "no microphone none" in done.err
    assert cli("stream", "x.wav", "--input-device", "0").code == 2


def test_the_microphone_gives_its_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    played = np.linspace(-1, 1, 500, dtype=np.float32)
    monkeypatch.setitem(sys.modules, "sounddevice", FakePortAudio(played))
    source = live_sources.from_microphone("0")
    assert (source.name, source.sample_rate, source.endless) == ("Desk", 16_000, True)
    np.testing.assert_array_equal(next(source.blocks), played)


def words(text: str) -> tuple[Word, ...]:
    return tuple(Word(one, 0.0, 0.1, 0.5) for one in text.split())


def test_a_terminal_shows_drafts_dimmed_and_keeps_final_lines() -> None:
    out = io.StringIO()
    view = TerminalView(out)
    for event in (
        Partial(words("the lit")),
        Final(words("the")),
        Partial(words("little")),
        Final(words("little")),
        Endpoint(1.0, EndpointReason.SILENCE),
        Ended(2.0),
    ):
        view.show(event)
    shown = out.getvalue()
    assert "\x1b[2mlittle\x1b[0m" in shown
    assert "the little\n" in shown
    assert shown.count("\n") == 1


def test_a_long_line_never_wraps_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    out = io.StringIO()
    TerminalView(out).show(Partial(words("word " * 30)))
    drawn = out.getvalue().removeprefix("\r\x1b[J").replace("\x1b[2m", "").replace("\x1b[0m", "")
    assert len(drawn) < 20


def test_lines_come_when_an_utterance_is_over() -> None:
    out = io.StringIO()
    view = LineView(out)
    view.show(Final(words("one")))
    view.show(Final(words("two")))
    assert out.getvalue() == ""
    view.show(Endpoint(1.0, EndpointReason.SILENCE))
    view.show(Ended(1.0))
    assert out.getvalue() == "one two\n"


def test_a_multilingual_model_tells_the_language(cli: Cli, clip: Path, tmp_path: Path) -> None:
    folder = copy_builtin(tmp_path / "many", languages=["en", "de"])
    done = cli("stream", clip, "--json", "-q", "-m", folder, "--language", "en")
    events = [json.loads(line) for line in done.out.splitlines()]
    (told,) = [event for event in events if event["type"] == "language"]
    assert told["language"] == "en"
    assert 0.6 <= told["confidence"] <= 1
    assert told["at"] > 0
    segments = [event for event in events if event["type"] == "segment"]
    assert {one["language"] for one in segments} == {"en"}
    assert cli("stream", clip, "-q", "-m", folder, "--language", "sv").code != 0


HOSTILE = "\x1b]0;title\x07\x9b2Jword"


@pytest.mark.parametrize("view", [TerminalView, LineView, JsonView])
def test_what_a_model_says_never_commands_a_terminal(
    view: Callable[[io.StringIO], LiveView],
) -> None:
    out = io.StringIO()
    shown = view(out)
    for event in (Final((Word(HOSTILE, 0.0, 1.0, 0.5),)), Partial((Word(HOSTILE, 1.0, 2.0, 0.5),))):
        shown.show(event)
    shown.show(Ended(2.0))
    said = re.sub("\x1b\\[(?:[02]m|J)", "", out.getvalue())  # the view's own
    assert "word" in said
    assert re.search("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f]", said) is None


def test_json_lines_hold_the_words_as_the_model_says_them() -> None:
    out = io.StringIO()
    JsonView(out).show(Final((Word(HOSTILE, 0.0, 1.0, 0.5),)))
    assert json.loads(out.getvalue())["text"] == HOSTILE
