"""Standard streams that are closed, full or poor in letters; an interpreter with other rules."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CLIP = Path(__file__).resolve().parents[1] / "data" / "garden.flac"
PROGRAM = "eclectus.apps.cli.entry"
PATIENCE_S = 120.0
WORDS = "garden was quiet"
COMMANDS = {
    "transcribe": ["transcribe", "garden.flac"],
    # Drafts come as often as the machine is fast.
    "stream": ["stream", "garden.flac", "--json", "--no-partials"],
    "models": ["models", "list"],
    "config": ["config", "show"],
    "version": ["--version"],
    "jobs": ["jobs", "--help"],
    "worker": ["worker", "--help"],
}

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell"),
    pytest.mark.slow,
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "garden.flac").write_bytes(CLIP.read_bytes())
    return tmp_path


def ended(
    folder: Path,
    *arguments: str,
    flags: tuple[str, ...] = (),
    streams: str = "",
    environ: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the program under a shell that prepares its streams."""
    script = f'"$@" {streams}'
    command = [sys.executable, *flags, "-m", PROGRAM, *arguments]
    done = subprocess.run(
        ["sh", "-c", script, "sh", *command],
        cwd=folder,
        env={**os.environ, "HOME": str(folder), **(environ or {})},  # noqa: TID251 - handed on
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    for text in (done.stdout, done.stderr):
        assert "Traceback" not in text
        assert "this is a bug" not in text
        assert "Exception ignored" not in text
    return done


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("streams", ["> /dev/full", ">&-"])
def test_a_result_that_can_not_be_printed_is_an_error_with_a_name(
    folder: Path, name: str, streams: str
) -> None:
    done = ended(folder, *COMMANDS[name], streams=streams)
    assert done.returncode == 4
    assert done.stderr.count("standard output can't be written: ") == 1
    assert ("closed" if "-" in streams else "No space left") in done.stderr


@pytest.mark.parametrize("streams", ["2> /dev/full", "2>&-"])
@pytest.mark.parametrize("name", ["transcribe", "stream", "models"])
def test_messages_that_can_not_be_written_stop_no_work(
    folder: Path, name: str, streams: str
) -> None:
    done = ended(folder, *COMMANDS[name], streams=streams)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ended(folder, *COMMANDS[name]).stdout


@pytest.mark.parametrize("streams", [">&- 2>&-", "> /dev/full 2>&1", "<&- >&- 2>&-"])
@pytest.mark.parametrize(("command", "code"), [("transcribe", 0), ("stream", 4)])
def test_promised_files_are_written_without_any_stream(
    folder: Path, streams: str, command: str, code: int
) -> None:
    done = ended(folder, command, "garden.flac", "-f", "srt", "-o", "out", streams=streams)
    # A stream also prints its words as they come, and that failed.
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")
    assert WORDS in (folder / "out" / "garden.srt").read_text()
    assert [path.name for path in (folder / "out").iterdir()] == ["garden.srt"]


def test_a_file_that_fails_has_its_exit_code_when_nobody_can_be_told(folder: Path) -> None:
    assert ended(folder, "transcribe", "none.flac", streams=">&- 2>&-").returncode == 4


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("flags", [("-W", "error"), ("-OO",)], ids=" ".join)
def test_rules_of_the_interpreter_change_nothing(
    folder: Path, name: str, flags: tuple[str, ...]
) -> None:
    done = ended(folder, *COMMANDS[name], flags=flags)
    assert done.returncode == 0
    assert done.stdout == ended(folder, *COMMANDS[name]).stdout


ENCODINGS = {
    "C": {"LC_ALL": "C", "LANG": "C"},
    "C, without coercion": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "ascii, strict": {"PYTHONIOENCODING": "ascii:strict"},
}


@pytest.mark.parametrize("environ", ENCODINGS.values(), ids=ENCODINGS)
def test_names_and_texts_that_an_encoding_lacks_are_spelt_out(
    folder: Path, environ: dict[str, str]
) -> None:
    (folder / "garden.flac").rename(folder / "Gärten — \N{HAMSTER FACE}.flac")
    name = "Gärten — \N{HAMSTER FACE}"
    done = ended(folder, "transcribe", f"{name}.flac", environ=environ)
    assert done.returncode == 0
    assert WORDS in done.stdout
    options = ["--output-template", "{filename} — ü", "-f", "json", "-o", "out"]
    done = ended(folder, "transcribe", f"{name}.flac", *options, environ=environ)
    assert done.returncode == 0
    assert "garden" in (folder / "out" / f"{name} — ü.json").read_text(encoding="utf-8")
    # Names are printed too.
    done = ended(folder, "transcribe", f"{name}-none.flac", environ=environ)
    assert done.returncode == 4
    assert "rten" in done.stderr


def can_mount() -> bool:
    """Whether this user may mount a disk of its own: root on Linux, outside of most containers."""
    if not Path("/proc/self/ns/mnt").exists() or os.geteuid() != 0:
        return False
    probe = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    return probe.returncode == 0


@pytest.fixture
def full_disk(tmp_path: Path) -> str:
    (tmp_path / "disk").mkdir()
    return "mount -t tmpfs -o size=16k none disk && head -c 12000 /dev/zero > disk/ballast"


@pytest.mark.skipif(not can_mount(), reason="this user can mount no disk of its own")
def test_a_full_disk_is_named_and_leaves_no_half_of_a_file(folder: Path, full_disk: str) -> None:
    clips = [f"{number}.flac" for number in range(2)]
    for clip in clips:
        (folder / clip).write_bytes(CLIP.read_bytes())
    command = [sys.executable, "-m", PROGRAM, "transcribe", *clips, "-f", "json", "-o", "disk"]
    script = f'{full_disk}; "$@"; code=$?; ls -A disk; exit $code'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", *command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    # Four pages hold the ballast in three of them: one result fits.
    assert done.returncode in {3, 4}
    assert "No space left on device. Free space on the disk" in done.stderr
    assert "Traceback" not in done.stderr
    left = done.stdout.split()
    assert "ballast" in left
    assert set(left) <= {"ballast", "0.json", "1.json"}
