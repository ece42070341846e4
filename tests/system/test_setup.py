"""`scripts/setup` on machines that lack something: what it says, and what it leaves behind."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Like Debian's without the package python3-venv: it makes half an environment and then fails.
WITHOUT_VENV = f"""#!/bin/sh
if [ "$2" = venv ]; then
  mkdir -p "$3/bin" && touch "$3/pyvenv.cfg" && ln -s "$0" "$3/bin/python"
  echo "The virtual environment was not created successfully" >&2
  exit 1
fi
[ "$2" = "import ensurepip" ] && exit 1
exec "{sys.executable}" "$@"
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a script for bash")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for name in ("scripts/setup", "pyproject.toml", "training/requirements.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def setup(clone: Path, python: str | Path) -> subprocess.CompletedProcess[str]:
    """Run it where no package can be had."""
    away = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": os.devnull}
    path = os.environ["PATH"]  # noqa: TID251 - for the script
    return subprocess.run(
        ["bash", "scripts/setup", "demo"],
        cwd=clone,
        env={"PATH": path, "HOME": str(clone), "PYTHON": str(python), **away},
        capture_output=True,
        text=True,
        check=False,
    )


def stub(folder: Path, text: str) -> Path:
    path = folder / "python-stub"
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_without_python_it_says_what_to_install(clone: Path) -> None:
    done = setup(clone, "python3-that-is-missing")
    assert done.returncode == 2
    assert "no program 'python3-that-is-missing'" in done.stderr
    assert "apt-get install python3 python3-venv" in done.stderr
    assert not (clone / ".venv").exists()


def test_a_python_that_is_too_old_is_named(clone: Path) -> None:
    done = setup(clone, stub(clone, "#!/bin/sh\necho Python 3.9.2\nexit 1\n"))
    assert done.returncode == 2
    assert "is Python 3.9.2" in done.stderr


def test_without_the_venv_module_nothing_half_made_stays(clone: Path) -> None:
    done = setup(clone, stub(clone, WITHOUT_VENV))
    assert done.returncode == 2
    assert "apt-get install python3-venv" in done.stderr
    assert not (clone / ".venv").exists()


def test_what_cannot_be_used_and_is_not_its_own_is_never_removed(clone: Path) -> None:
    (clone / ".venv").mkdir()
    (clone / ".venv" / "precious").touch()
    done = setup(clone, sys.executable)
    assert done.returncode == 2
    assert "Remove it" in done.stderr
    assert (clone / ".venv" / "precious").exists()


def make_half(clone: Path, how: str) -> None:
    folder = clone / ".venv"
    (folder / "bin").mkdir(parents=True)
    (folder / "pyvenv.cfg").touch()
    gone = "/nowhere/python3" if how == "its interpreter is gone" else sys.executable
    (folder / "bin" / "python").symlink_to(gone)
    mark = ".eclectus-busy" if how == "it was interrupted" else ".eclectus-demo"
    (folder / mark).touch()


@pytest.mark.parametrize("how", ["its interpreter is gone", "it was interrupted", "it has no pip"])
def test_an_environment_that_is_not_whole_is_made_anew(clone: Path, how: str) -> None:
    make_half(clone, how)
    done = setup(clone, sys.executable)
    assert "made anew" in done.stdout
    # Then packages are missing here, and that is said; the environment itself is whole.
    assert done.returncode == 2
    assert "could not be installed" in done.stderr
    python = clone / ".venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "--version"], check=True, capture_output=True)
    assert "made anew" not in setup(clone, sys.executable).stdout
