#!/usr/bin/env python3
"""Build the wheel, install it in an empty environment and transcribe a clip with it.

`--floors` installs the lowest versions that pyproject.toml allows instead of the newest.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLIP = ROOT / "examples" / "clips" / "story.flac"
EXTRAS = ("cpu", "media", "hub")
MAX_WHEEL_MB = 14


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def build(folder: Path) -> Path:
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, ROOT, cwd=folder)
    (wheel,) = folder.glob("eclectus-*.whl")
    size = wheel.stat().st_size / 1e6
    print(f"{wheel.name}: {size:.1f} MB")
    if size > MAX_WHEEL_MB:
        sys.exit(f"the wheel is larger than {MAX_WHEEL_MB} MB")
    return wheel


def floors() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = list(project["dependencies"])
    for extra in EXTRAS:
        wanted += project["optional-dependencies"][extra]
    return [re.sub(r">=", "==", requirement) for requirement in wanted]


def check_words(text: str) -> None:
    said = set(re.findall(r"[a-z]+", CLIP.with_suffix(".txt").read_text().lower()))
    heard = set(re.findall(r"[a-z]+", text.lower()))
    share = len(said & heard) / len(said)
    print(f"{share:.0%} of the words were recognised")
    if share < 0.6:
        sys.exit(f"too few words of the clip were recognised: {text!r}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--floors", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = build(folder)
        venv.create(folder / "env", with_pip=True)
        python = folder / "env" / "bin" / "python"
        extra = floors() if arguments.floors else []
        target = f"{wheel}[{','.join(EXTRAS) if arguments.floors else 'cpu'}]"
        run(python, "-m", "pip", "install", "-q", target, *extra, cwd=folder)
        eclectus = folder / "env" / "bin" / "eclectus"
        check_words(run(eclectus, "transcribe", CLIP, "--quiet", cwd=folder))
        print(run(eclectus, "--version", cwd=folder).strip())
    return 0


if __name__ == "__main__":
    sys.exit(main())
