"""What the repository must not hold."""

import subprocess
from pathlib import Path

from tests.support.needs import require

ROOT = Path(__file__).resolve().parents[2]
LARGEST_FILE_BYTES = 2_000_000


def tracked() -> list[Path]:
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    require(done.returncode == 0, "a git checkout")
    return [ROOT / line for line in done.stdout.splitlines()]


def test_the_repository_stays_light() -> None:
    heavy = [
        path
        for path in tracked()
        if path.is_file()
        and path.stat().st_size > LARGEST_FILE_BYTES
        and "models/builtin" not in path.as_posix()
    ]
    assert heavy == []


def test_every_source_file_is_text_in_utf8() -> None:
    for path in tracked():
        if path.suffix in {".py", ".md", ".toml", ".yml", ".yaml"} and path.exists():
            path.read_text(encoding="utf-8")
