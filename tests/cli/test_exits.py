"""How the program ends, without ending the tests."""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import NoReturn

import pytest

from eclectus.apps.cli import main as entry
from eclectus.apps.cli.exits import ExitCode, TerminationError, leave, terminable


class EndedError(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    codes: list[int] = []

    def end(code: int) -> NoReturn:
        codes.append(code)
        raise EndedError

    monkeypatch.setattr(os, "_exit", end)
    return codes


def raising(error: BaseException) -> object:
    def broken(*_arguments: object, **_options: object) -> NoReturn:
        raise error

    return broken


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "eclectus: interrupted\n"),
        (TerminationError(), 143, "eclectus: terminated\n"),
        (BrokenPipeError(), 141, ""),
    ],
)
@pytest.mark.parametrize("where", ["config_command.config_files", "main.run"])
def test_the_end_has_its_code_wherever_it_strikes(
    ends: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    where: str,
    error: BaseException,
    code: int,
    message: str,
) -> None:
    monkeypatch.setattr(f"eclectus.apps.cli.{where}", raising(error))
    with pytest.raises(EndedError):
        entry.main(["config", "path"])
    assert ends == [code]
    assert capsys.readouterr().err == message


def test_a_command_that_is_done_ends_with_its_code(place: Path) -> None:
    (place / "eclectus.toml").touch()
    with pytest.raises(SystemExit) as done:
        entry.main(["config", "path"])
    assert done.value.code == 0


def test_a_terminal_that_is_gone_does_not_keep_the_program(
    ends: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("stdout", "stderr"):
        with Path(os.devnull).open("w", encoding="utf-8") as stream:
            monkeypatch.setattr(sys, name, stream)
    with pytest.raises(EndedError):
        leave(ExitCode.INTERRUPTED)
    assert ends == [130]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_termination_is_an_exception_only_inside() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(TerminationError), terminable():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before


def test_threads_other_than_the_main_one_leave_signals_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen: list[object] = []

    def work() -> None:
        with terminable():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
