#!/usr/bin/env python3
"""Build the wheel; in an empty environment of every supported Python, transcribe a clip with it.

Interpreters are looked for on the PATH and among pyenv's versions. `--floors` installs the lowest
versions that pyproject.toml allows, with this interpreter alone. `--report FILE` writes the last
lines, which name the interpreters, to a file as well.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CLIP = ROOT / "examples" / "clips" / "story.flac"
EXTRAS = ("cpu", "media", "hub")
MAX_WHEEL_MB = 14
ASK = "import sys; print('%d.%d' % sys.version_info[:2])"


class CommandError(Exception):
    """A command that ended badly, with what it printed."""


def run(*command: str | Path, cwd: Path) -> str:
    """What a command prints; without the variables that would show it this clone's sources."""
    hidden = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    variables = {name: text for name, text in os.environ.items() if name not in hidden}  # noqa: TID251
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env=variables,
    )
    if done.returncode != 0:
        shown = " ".join(map(str, command))
        raise CommandError(f"{shown}\nended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def build(folder: Path) -> Path:
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, ROOT, cwd=folder)
    (wheel,) = folder.glob("eclectus-*.whl")
    size = wheel.stat().st_size / 1e6
    print(f"{wheel.name}: {size:.1f} MB")
    if size > MAX_WHEEL_MB:
        raise CommandError(f"the wheel is larger than {MAX_WHEEL_MB} MB")
    return wheel


def promised() -> list[str]:
    """The versions of the classifiers: '3.11', '3.12' and so on."""
    found = [re.fullmatch(r".*:: (3\.\d+)", line) for line in PROJECT["classifiers"]]
    return [match[1] for match in found if match]


def version(python: str | Path) -> str | None:
    """'3.12' for an interpreter that runs, None for a shim without one behind it."""
    try:
        return run(python, "-c", ASK, cwd=ROOT).strip()
    except (CommandError, OSError):
        return None


def interpreters() -> dict[str, Path]:
    """An interpreter for each version from 3.11 on that this machine has."""
    candidates = [Path(sys.executable).resolve()]
    names = ["python3", *(f"python3.{minor}" for minor in range(11, 30))]
    candidates += [Path(path) for name in names if (path := shutil.which(name))]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))  # noqa: TID251
    candidates += sorted(pyenv.glob("versions/3.*/bin/python3"), reverse=True)
    found: dict[str, Path] = {}
    for path in candidates:
        known = version(path)
        if known and int(known.split(".")[1]) >= 11:
            found.setdefault(known, path)
    return dict(sorted(found.items()))


def floors() -> list[str]:
    return [one.replace(">=", "==", 1) for one in [*PROJECT["dependencies"], *of_extras(EXTRAS)]]


def of_extras(extras: Iterable[str]) -> Iterator[str]:
    """The requirements of extras, those of the extras that they name included."""
    for extra in extras:
        for requirement in PROJECT["optional-dependencies"][extra]:
            inner = re.fullmatch(r"eclectus\[(\w+)\]", requirement)
            if inner:
                yield from of_extras([inner[1]])
            else:
                yield requirement


def check_words(text: str, how: str) -> None:
    said = set(re.findall(r"[a-z]+", CLIP.with_suffix(".txt").read_text(encoding="utf-8").lower()))
    heard = set(re.findall(r"[a-z]+", text.lower()))
    share = len(said & heard) / len(said)
    print(f"  {how}: {share:.0%} of the words were recognised")
    if share < 0.6:
        raise CommandError(f"too few words of the clip were recognised: {text!r}")


def install(python: Path, target: str, extra: list[str], folder: Path) -> Path:
    """Make an empty environment with the wheel in it; returns its programs."""
    run(python, "-m", "venv", folder, cwd=folder.parent)
    programs = folder / "bin"
    pip = (programs / "python", "-m", "pip", "install", "-q")
    run(*pip, target, *extra, cwd=folder)
    return programs


def check(programs: Path, folder: Path) -> list[str]:
    """Transcribe in each way that the program can be started; returns what failed."""
    python, eclectus = programs / "python", programs / "eclectus"
    ways: dict[str, list[str | Path]] = {
        "eclectus": [eclectus],
        "python -m eclectus": [python, "-m", "eclectus"],
        "python -OO eclectus": [python, "-OO", eclectus],
        "python -OO -m eclectus": [python, "-OO", "-m", "eclectus"],
    }
    problems = []
    for how, command in ways.items():
        try:
            check_words(run(*command, "transcribe", CLIP, "--quiet", cwd=folder), how)
            run(*command, "config", "show", cwd=folder)
        except CommandError as problem:
            print(f"  {how}: FAILED\n{problem}")
            problems.append(how)
    return problems


def check_one(known: str, python: Path, wheel: Path, lowest: bool) -> list[str]:
    print(f"Python {known} ({python}):")
    target = f"{wheel}[{','.join(EXTRAS) if lowest else 'cpu'}]"
    with tempfile.TemporaryDirectory() as name:
        try:
            programs = install(python, target, floors() if lowest else [], Path(name) / "env")
        except CommandError as problem:
            print(f"  the installation FAILED\n{problem}")
            return ["installation"]
        return check(programs, Path(name))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--floors", action="store_true")
    parser.add_argument("--report", type=Path)
    arguments = parser.parse_args()
    own = version(sys.executable) or ""
    found = {own: Path(sys.executable)} if arguments.floors else interpreters()
    with tempfile.TemporaryDirectory() as name:
        wheel = build(Path(name))
        problems = {
            known: check_one(known, python, wheel, arguments.floors)
            for known, python in found.items()
        }
    lines = [f"wheel: used with Python {', '.join(found)}"]
    if not arguments.floors and (missing := sorted(set(promised()) - set(found))):
        lines.append(f"wheel: not tried, no such interpreter here: Python {', '.join(missing)}")
    lines += [
        f"wheel: Python {key} FAILED: {', '.join(bad)}" for key, bad in problems.items() if bad
    ]
    print(*lines, sep="\n")
    if arguments.report:
        arguments.report.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 1 if any(problems.values()) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CommandError as problem:
        sys.exit(str(problem))
