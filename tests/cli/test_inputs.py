"""What the arguments of `transcribe` mean."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclectus.apps.cli.inputs import find_inputs, media_files, natural
from eclectus.core.errors import AudioNotFoundError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (
        *("part10.wav", "part2.wav", "Part1.MP3", "notes.txt", ".hidden.wav", "a[1].wav"),
        *("inner/deep.flac", ".cache/x.wav", "inner/readme.md"),
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(*arguments: str, recursive: bool = False) -> list[str]:
    return [Path(one.source).as_posix() for one in find_inputs(arguments, recursive=recursive)]


def test_a_folder_gives_its_media_files_in_natural_order(folder: Path) -> None:
    assert folder.is_dir()
    assert names(".") == ["a[1].wav", "Part1.MP3", "part2.wav", "part10.wav"]


def test_a_folder_gives_those_of_its_folders_only_when_asked(folder: Path) -> None:
    assert names(str(folder), recursive=True)[1] == (folder / "inner/deep.flac").as_posix()


def test_a_folder_without_media_is_a_failure_that_says_so(folder: Path) -> None:
    [one] = find_inputs([str(folder / "empty")])
    assert isinstance(one.problem, AudioNotFoundError)
    assert "--recursive" in str(one.problem)
    [one] = find_inputs([str(folder / "empty")], recursive=True)
    assert "--recursive" not in str(one.problem)


@pytest.mark.usefixtures("folder")
def test_a_pattern_gives_what_matches_in_natural_order() -> None:
    assert names("part*.wav") == ["part2.wav", "part10.wav"]
    assert names("**/*.flac") == ["inner/deep.flac"]


@pytest.mark.usefixtures("folder")
def test_a_file_whose_name_looks_like_a_pattern_is_that_file() -> None:
    assert names("a[1].wav") == ["a[1].wav"]


@pytest.mark.usefixtures("folder")
def test_a_pattern_without_match_is_a_failure_that_says_so() -> None:
    [one] = find_inputs(["*.opus"])
    assert "no file matches *.opus" in str(one.problem)


@pytest.mark.usefixtures("folder")
def test_a_file_is_taken_once_and_in_the_order_given() -> None:
    assert names("part2.wav", "-", "./part2.wav", "-", "notes.txt") == [
        "part2.wav",
        "-",
        "notes.txt",
    ]


def test_a_missing_file_goes_on_to_the_decoder() -> None:
    [one] = find_inputs(["missing.wav"])
    assert (one.source, one.problem, one.name) == ("missing.wav", None, "missing.wav")
    assert find_inputs(["-"])[0].name == "standard input"


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "\udcff.wav"])
def test_a_name_that_no_file_can_have_goes_on_to_the_decoder(name: str) -> None:
    assert [one.source for one in find_inputs([name])] == [name]


def test_hidden_files_and_folders_are_left_alone(folder: Path) -> None:
    found = media_files(folder, recursive=True)
    assert not [path for path in found if "/." in path.as_posix()]


@given(st.lists(st.text(max_size=8), max_size=6))
def test_natural_order_can_sort_any_names(listed: list[str]) -> None:
    assert sorted(sorted(listed, key=natural)) == sorted(listed)
