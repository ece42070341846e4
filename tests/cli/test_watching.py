"""When a file in a watched folder is new and complete."""

import os
from pathlib import Path

import pytest

from eclectus.apps.cli.watch import Watcher
from eclectus.core.errors import OptionError


def seen(watcher: Watcher) -> list[str]:
    return [Path(one.source).name for one in watcher.look()]


def test_a_file_is_handed_out_once_when_it_stops_growing(tmp_path: Path) -> None:
    watcher = Watcher(tmp_path)
    clip = tmp_path / "clip.wav"
    clip.write_bytes(b"1")
    assert seen(watcher) == []
    clip.write_bytes(b"12")
    assert seen(watcher) == []
    assert seen(watcher) == ["clip.wav"]
    assert seen(watcher) == []


def test_a_file_that_changes_later_is_handed_out_again(tmp_path: Path) -> None:
    watcher = Watcher(tmp_path)
    clip = tmp_path / "clip.wav"
    clip.write_bytes(b"1")
    assert [seen(watcher), seen(watcher)] == [[], ["clip.wav"]]
    os.utime(clip, (1, 1))
    assert [seen(watcher), seen(watcher)] == [[], ["clip.wav"]]


def test_an_empty_file_is_waited_for(tmp_path: Path) -> None:
    watcher = Watcher(tmp_path)
    (tmp_path / "clip.wav").touch()
    assert [seen(watcher), seen(watcher)] == [[], []]


def test_a_file_that_was_replaced_by_one_of_its_name_is_new(tmp_path: Path) -> None:
    watcher = Watcher(tmp_path)
    clip = tmp_path / "clip.wav"
    clip.write_bytes(b"1")
    seen(watcher)
    assert seen(watcher) == ["clip.wav"]
    clip.unlink()
    assert seen(watcher) == []
    clip.write_bytes(b"1")
    assert [seen(watcher), seen(watcher)] == [[], ["clip.wav"]]


def test_files_that_are_no_media_and_folders_below_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "b.wav").write_bytes(b"1")
    (tmp_path / "a.txt").write_bytes(b"1")
    flat, deep = Watcher(tmp_path), Watcher(tmp_path, recursive=True)
    assert [seen(flat), seen(flat)] == [[], []]
    assert [seen(deep), seen(deep)] == [[], ["b.wav"]]


def test_watching_pauses_between_looks_and_yields_only_what_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.wav").write_bytes(b"1")
    pauses = iter(range(4))

    def pause() -> None:
        if next(pauses) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("eclectus.apps.cli.watch.pause", pause)
    batches = Watcher(tmp_path).forever()
    assert [Path(one.source).name for one in next(batches)] == ["a.wav"]
    with pytest.raises(KeyboardInterrupt):
        next(batches)


def test_what_is_watched_must_be_a_folder(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--watch needs a folder"):
        Watcher(tmp_path / "gone")
