"""The programs of `examples/` do what their first lines say."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.clips import right
from tests.support.server import running_server

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
STORY = EXAMPLES / "clips" / "story.flac"
PROGRAMS = sorted(EXAMPLES.glob("*.py"))
NEEDS_A_MICROPHONE = {"pipecat_bot.py"}


def run(name: str, *arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, EXAMPLES / name, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == code, done.stderr
    return done


@pytest.mark.slow
def test_a_file_becomes_subtitles(tmp_path: Path) -> None:
    subtitles = tmp_path / "story.srt"
    assert "segments, 23.4 s" in run("file_to_srt.py", STORY, subtitles).stdout
    text = subtitles.read_text(encoding="utf-8")
    assert text.startswith("1\n00:00:0")
    assert right(text, "story")


@pytest.mark.slow
def test_a_folder_becomes_text_and_a_broken_file_fails_alone(tmp_path: Path) -> None:
    for name in ("one.flac", "two.flac"):
        shutil.copy(STORY, tmp_path / name)
    (tmp_path / "broken.wav").write_bytes(b"no sound")
    done = run("folder_to_text.py", tmp_path, code=1)
    assert "broken.wav: " in done.stderr
    for name in ("one.txt", "two.txt"):
        assert right((tmp_path / name).read_text(encoding="utf-8"), "story")


@pytest.mark.slow
def test_a_live_stream_shows_drafts_and_then_final_words() -> None:
    lines = run("live_drafts.py", STORY).stdout.splitlines()
    drafts = [line for line in lines if line.startswith("  [")]
    final = [line for line in lines if not line.startswith(("  [", "--"))]
    assert len(drafts) > 20
    assert right(" ".join(final), "story")
    assert re.fullmatch(r"-- 2\d\.\d\d s: (silence|flush)", lines[-1])


@pytest.mark.slow
def test_the_client_of_openai_prints_words_with_times() -> None:
    with running_server() as url:
        lines = run("openai_client.py", STORY, url).stdout.splitlines()
    assert right(lines[0], "story")
    assert len(lines) > 50
    assert all(re.fullmatch(r" *\d+\.\d\d +\d+\.\d\d \S+", line) for line in lines[1:])


@pytest.mark.slow
def test_words_become_labels_in_order() -> None:
    rows = [line.split("\t") for line in run("word_labels.py", STORY).stdout.splitlines()]
    starts = [float(start) for start, *_ in rows]
    assert starts == sorted(starts)
    assert all(float(start) < float(end) for start, end, _ in rows)
    assert right(" ".join(text for *_, text in rows), "story")


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_an_example_is_short_and_says_what_it_does(program: Path) -> None:
    text = program.read_text(encoding="utf-8")
    assert f"python examples/{program.name}" in (ast.get_docstring(ast.parse(text)) or "")
    assert program.name in NEEDS_A_MICROPHONE or len(text.splitlines()) < 40


def test_every_example_is_in_the_list() -> None:
    listing = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in PROGRAMS if path.name not in listing] == []
