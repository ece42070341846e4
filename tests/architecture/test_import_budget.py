"""What a start may load."""

import subprocess
import sys

import pytest

HEAVY = {"numpy", "onnxruntime", "pydantic", "rich", "typer", "av", "soundfile", "soxr", "yaml"}
PROBE = "print(*sorted({name.partition('.')[0] for name in sys.modules}))"


def loaded(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\n{PROBE}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.splitlines()[-1].split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded("import eclectus") & HEAVY == set()


def test_the_options_are_plain_python() -> None:
    assert loaded("import eclectus.core.options, eclectus.core.errors") & HEAVY == set()


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_loads_the_command_line_only(arguments: list[str]) -> None:
    code = (
        "from eclectus.apps.cli.main import main\n"
        f"try: main({arguments})\n"
        "except SystemExit as done: assert done.code == 0"
    )
    assert loaded(code) & HEAVY == {"typer"}


def test_showing_the_settings_loads_neither_numpy_nor_an_engine() -> None:
    code = (
        "from eclectus.apps.cli.main import main\n"
        "try: main(['config', 'show'])\n"
        "except SystemExit as done: assert done.code == 0"
    )
    assert loaded(code) & {"numpy", "onnxruntime", "soundfile", "av", "rich"} == set()


def test_the_help_of_transcribe_loads_no_engine() -> None:
    code = (
        "from eclectus.apps.cli.main import main\n"
        "try: main(['transcribe', '--help'])\n"
        "except SystemExit as done: assert done.code == 0"
    )
    assert loaded(code) & {"numpy", "onnxruntime", "soundfile", "av", "rich"} == set()
