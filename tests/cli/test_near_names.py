"""What is misspelt gets a near name."""

from pathlib import Path

import pytest

from tests.support.command_line import Cli


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("transcribe --fromat srt x", "--output-format"),
        ("transcribe --modle x", "--model"),
        ("stream --relatime", "--realtime"),
        ("serve --prot 1", "--port"),
        ("worker --until-emtpy", "--until-empty"),
        ("jobs submti", "Did you mean 'submit'?"),
        ("models list --lcoal", "--local"),
        ("config show --modle x", "--model"),
        ("--versoin", "--version"),
        ("transcrib x", "Did you mean 'transcribe'?"),
        ("Serve", "Did you mean 'serve'?"),
        ("models lits", "Did you mean 'list'?"),
        ("garden.flac", "Did you mean 'transcribe garden.flac'?"),
    ],
)
def test_what_is_misspelt_gets_a_near_name(cli: Cli, clip: Path, line: str, told: str) -> None:
    ended = cli(*line.split())
    assert ended.code == 2
    assert told in ended.err.splitlines()[-1]


@pytest.mark.parametrize("line", ["transcribe --zzzzzz x", "zzzzzz", "-z", "transcribe -z"])
def test_what_is_near_nothing_gets_no_name(cli: Cli, line: str) -> None:
    ended = cli(*line.split())
    assert ended.code == 2
    assert "No such" in ended.err
    assert "ossible" not in ended.err
    assert "Did you mean" not in ended.err


def test_where_nothing_was_pulled_there_is_nothing_to_verify(cli: Cli, place: Path) -> None:
    ended = cli("models", "verify", "--cache-dir", place / "models")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err.startswith("There is nothing to verify")


def test_the_path_of_what_is_not_fetched_says_how_to_fetch_it(cli: Cli, place: Path) -> None:
    ended = cli("models", "path", "parakeet-tdt-0.6b-v3", "--cache-dir", place / "models")
    assert (ended.code, ended.out) == (4, "")
    assert "`eclectus models pull parakeet-tdt-0.6b-v3` fetches it" in ended.err
    assert "offline" not in ended.err
