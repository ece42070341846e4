"""Names of files and models hold what they like; a terminal gets none of what it would obey."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from eclectus.apps.cli.progress import Lines, Moving
from eclectus.output.clean import printable
from tests.support.command_line import Cli

EVIL = "a\x1b]0;owned\x07\x1b[2J\x9b31m\rb.wav"
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
APPS = Path(__file__).parents[2] / "src" / "eclectus" / "apps" / "cli"


def test_what_is_printable() -> None:
    assert printable("a\n\tb") == "a\n\tb"
    assert printable(EVIL) == r"a\x1b]0;owned\x07\x1b[2J\x9b31m\rb.wav"
    assert printable("Žluťoučký 猫 \u200d🎈") == "Žluťoučký 猫 \u200d🎈"


@pytest.mark.parametrize("content", [b"no audio", None])
def test_a_file_s_name_reaches_no_terminal_as_it_is(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / EVIL).write_bytes(content)
    ended = cli("transcribe", EVIL, "other.wav")
    assert ended.code == 4
    assert r"\x1b]0;owned\x07" in ended.err
    assert CONTROL.search(ended.err) is None
    assert CONTROL.search(ended.out) is None


@pytest.mark.parametrize(
    "arguments",
    [
        ["models", "show", f"./{EVIL}"],
        ["models", "path", EVIL],
        ["models", "verify", EVIL],
        ["transcribe", "x.wav", "--model", EVIL],
        ["transcribe", "x.wav", "--language", EVIL],
        ["config", "show", "--output-dir", EVIL],
        ["config", "show", "--device", EVIL],
        ["config", "show", "--config", EVIL],
        ["stream", EVIL],
        ["transcribe", f"--{EVIL}"],
        [EVIL],
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_nor_does_an_argument(cli: Cli, arguments: list[str]) -> None:
    ended = cli(*arguments)
    assert CONTROL.search(ended.out) is None
    assert CONTROL.search(ended.err) is None


@pytest.mark.parametrize("kind", [Lines, Moving])
def test_the_bars_show_it_as_text(
    kind: type[Lines | Moving], capsys: pytest.CaptureFixture[str]
) -> None:
    view = kind()
    view.begin([EVIL])
    view.finish(0, f"done\x1b[2J to {EVIL}")
    view.fail(0, "\x07")
    view.say(EVIL)
    view.close()
    assert CONTROL.search(capsys.readouterr().err) is None


def test_everything_is_printed_through_one_place() -> None:
    for path in APPS.glob("*.py"):
        if path.name != "messages.py":
            assert "typer.echo(" not in path.read_text(encoding="utf-8"), path
