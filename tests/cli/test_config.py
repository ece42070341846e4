"""`eclectus config` and what mistakes in settings do to the command line."""

import json
from pathlib import Path

import pytest

from eclectus.config.schema import schema
from eclectus.config.settings import MASK
from tests.support.command_line import Cli


def rows(text: str) -> dict[str, tuple[str, str]]:
    split = [line.split(maxsplit=2) for line in text.splitlines()]
    return {key: (value, origin) for key, value, origin in split}


def test_every_setting_is_shown_with_its_value_and_origin(
    cli: Cli, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "eclectus.toml").write_text(
        "[output]\nformats = ['srt', 'vtt']\n[hub]\noffline = true\n"
    )
    (place / ".env").write_text("ECLECTUS_HUB__TOKEN=hunter2\nBATCH_SIZE=2\n")
    monkeypatch.setenv("ECLECTUS_BACKEND__DEVICE", "cpu")
    ended = cli("config", "show", "--threads", "3", "--int8", "--no-highlight-words")
    shown = rows(ended.out)
    assert ended.code == 0
    assert list(shown) == list(schema())
    assert shown["model"] == ("none", "default")
    assert shown["output.formats"] == ("srt,vtt", "eclectus.toml")
    assert shown["hub.offline"] == ("true", "eclectus.toml")
    assert shown["hub.token"] == (MASK, ".env: ECLECTUS_HUB__TOKEN")
    assert shown["batch.size"] == ("2", ".env: BATCH_SIZE")
    assert shown["backend.device"] == ("cpu", "ECLECTUS_BACKEND__DEVICE")
    assert shown["backend.threads"] == ("3", "--threads")
    assert shown["backend.precision"] == ("int8", "--int8")
    assert shown["subtitles.highlight_words"] == ("false", "--highlight-words")
    assert "hunter2" not in ended.out + ended.err


def test_programs_get_json(cli: Cli) -> None:
    listed = json.loads(cli("config", "show", "--json", "-f", "srt,vtt", "-f", "txt").out)
    found = {one["key"]: (one["value"], one["origin"]) for one in listed}
    assert found["output.formats"] == (["srt", "vtt", "txt"], "--output-format")
    assert found["model"] == (None, "default")


def test_the_files_that_count_are_listed(cli: Cli, place: Path) -> None:
    nothing = cli("config", "path")
    assert (nothing.code, nothing.out) == (0, "")
    assert "not there: eclectus.toml" in nothing.err
    (place / "eclectus.yaml").write_text("")
    assert cli("config", "path").out == "eclectus.yaml\n"
    (place / "mine.json").write_text("{}")
    assert cli("config", "path", "--config", "mine.json").out == "mine.json\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fp32", "--int8"], "--fp32 and --int8 contradict each other"),
        (["--quiet", "--verbose"], "--verbose and --quiet contradict"),
        (["--threads", "two"], "--threads: backend.threads can't be 'two'"),
        (
            ["--batch-size", "0"],
            "--batch-size: batch.size can't be '0': it should be a whole number from 1",
        ),
        (["--config", "gone.toml"], "there is no configuration file gone.toml"),
        (["--device", "gpu"], "auto"),
        (["--overwrite", "maybe"], "skip"),
        (["--modle", "x"], "No such option"),
    ],
)
def test_a_mistake_is_told_and_ends_with_2(cli: Cli, arguments: list[str], message: str) -> None:
    ended = cli("config", "show", *arguments)
    assert ended.code == 2
    assert ended.out == ""
    assert message in ended.err
    if "--verbose" not in arguments:
        assert "Traceback" not in ended.err


def test_verbose_shows_where_an_error_came_from(cli: Cli) -> None:
    ended = cli("config", "show", "--verbose", "--threads", "two")
    assert ended.code == 2
    assert "Traceback" in ended.err
    assert ended.err.splitlines()[-1].startswith("eclectus: --threads")


def test_a_misspelt_variable_ends_with_2_and_the_near_name(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECLECTUS_BACKEND__DEVCE", "cpu")
    ended = cli("transcribe", "x.wav")
    assert ended.code == 2
    assert "did you mean ECLECTUS_BACKEND__DEVICE?" in ended.err


@pytest.mark.parametrize("arguments", [[], ["transcribes"], ["config"], ["config", "list"]])
def test_no_or_an_unknown_command_is_a_usage_error(cli: Cli, arguments: list[str]) -> None:
    ended = cli(*arguments)
    assert ended.code == 2
    assert "Usage: eclectus" in ended.out + ended.err


def test_a_bug_ends_with_1_and_says_that_it_is_one(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("eclectus.apps.cli.config_command.schema", broken)
    ended = cli("config", "show")
    assert ended.code == 1
    assert ended.err == "eclectus: this is a bug: ZeroDivisionError: oh; --verbose shows where\n"
    assert "Traceback" in cli("config", "show", "-v").err
