"""What a job is made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from eclectus.apps.worker.job_files import find_items, make_job, results_of
from eclectus.apps.worker.storage import Storage
from eclectus.core.choices import OverwritePolicy
from eclectus.core.errors import OptionError
from eclectus.core.options import OutputOptions

OUTPUT = OutputOptions(formats=("json", "srt"))


def sources(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def test_the_same_order_is_the_same_job() -> None:
    job = make_job(["s3://in/"], "s3://out/", OUTPUT, None)
    assert job == make_job(["s3://in/"], "s3://out", OUTPUT, None)
    assert job.id != make_job(["s3://in/"], "s3://out", OUTPUT, "de").id
    assert job.id != make_job(["s3://in/x/"], "s3://out", OUTPUT, None).id


def test_a_job_can_not_fail_where_results_exist() -> None:
    with pytest.raises(OptionError, match="overwrite or skip"):
        make_job(["s3://in/"], "s3://out", OutputOptions(overwrite=OverwritePolicy.FAIL), None)


def test_results_are_named_as_the_files_below_the_source(tmp_path: Path) -> None:
    sources(
        tmp_path / "in",
        "a.wav",
        "2026/b.MP3",
        "2026/notes.txt",
        "c.v2.flac",
        "odd",
        ".x.wav",
        ".y/z.wav",
    )
    job = make_job([f"{tmp_path}/in/", f"{tmp_path}/in/odd"], f"{tmp_path}/out", OUTPUT, None)
    items = list(find_items(job, Storage()))
    targets = {Path(item.source).name: item.target for item in items}
    out = f"{tmp_path}/out"
    assert targets == {
        "a.wav": f"{out}/a",
        "b.MP3": f"{out}/2026/b",
        "c.v2.flac": f"{out}/c.v2",
        "odd": f"{out}/odd",
    }
    assert [str(place) for _, place in results_of(job, items[0])] == [
        f"{items[0].target}.json",
        f"{items[0].target}.srt",
    ]


def test_two_files_with_the_same_results_are_refused(tmp_path: Path) -> None:
    sources(tmp_path, "a.wav", "a.mp3")
    job = make_job([f"{tmp_path}/"], f"{tmp_path}/out", OUTPUT, None)
    with pytest.raises(OptionError, match="would both be written"):
        list(find_items(job, Storage()))


def test_a_folder_without_audio_is_refused(tmp_path: Path) -> None:
    sources(tmp_path, "notes.txt")
    job = make_job([f"{tmp_path}/"], f"{tmp_path}/out", OUTPUT, None)
    with pytest.raises(OptionError, match="there is no audio or video below"):
        list(find_items(job, Storage()))


def test_results_may_lie_at_the_top() -> None:
    assert make_job(["/in"], "/", OUTPUT, None).target == "/"
    assert make_job(["/in"], "s3://out/", OUTPUT, None).target == "s3://out"
