"""Nothing is written to the user's home, and nothing leaves the machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CLIP = Path(__file__).parents[1] / "data" / "garden.flac"


@pytest.mark.slow
@pytest.mark.parametrize("command", [["transcribe"], ["stream", "--no-partials"]], ids=" ".join)
@pytest.mark.skipif(sys.platform == "win32", reason="homes are found in another way")
def test_a_run_leaves_nothing_in_the_home_folder(command: list[str], tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}  # noqa: TID251 - the child's
    environ.pop("ORT_DISABLE_TELEMETRY", None)
    done = subprocess.run(
        [sys.executable, "-m", "eclectus", *command, str(CLIP), "-q"],
        cwd=tmp_path,
        env=environ | {"HOME": str(tmp_path)},
        capture_output=True,
        check=True,
    )
    assert b"garden" in done.stdout
    assert list(tmp_path.rglob("*")) == []
