"""What a run says of itself."""

from collections.abc import Callable

import pytest

from eclectus.apps.cli.exits import ExitCode
from eclectus.apps.cli.report import Tally, duration, pace


def ticking(*times: float) -> Callable[[], float]:
    return iter(times).__next__


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (4.23, "4.2 s"), (59.94, "59.9 s"), (59.96, "1:00 min"), (205, "3:25 min"),
     (7509.4, "2:05:09 h")],
)  # fmt: skip
def test_durations_are_written_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_ratio_is_told_where_there_is_one() -> None:
    assert pace(10.0, 2.0) == "10.0 s of audio in 2.0 s (RTFx 5.0)"
    assert pace(10.0, 0.0) == "10.0 s of audio in 0.0 s"
    assert pace(0.0, 2.0) == "0.0 s of audio in 2.0 s"


@pytest.mark.parametrize(
    ("done", "skipped", "failed", "code"),
    [
        (1, 0, 0, ExitCode.DONE),
        (0, 2, 0, ExitCode.DONE),
        (1, 0, 1, ExitCode.SOME_FAILED),
        (0, 1, 1, ExitCode.SOME_FAILED),
        (0, 0, 2, ExitCode.ALL_FAILED),
        (0, 0, 0, ExitCode.DONE),
    ],
)
def test_the_exit_code_follows_from_what_failed(
    done: int, skipped: int, failed: int, code: ExitCode
) -> None:
    assert Tally(done, skipped, ["x"] * failed).exit_code is code


def test_the_summary_is_one_line() -> None:
    tally = Tally(1, audio_s=8.0, clock=ticking(0.0, 2.0))
    assert tally.summary() == "1 file transcribed: 8.0 s of audio in 2.0 s (RTFx 4.0)"
    tally = Tally(2, 1, ["x"], 8.0, clock=ticking(0.0, 2.0))
    assert tally.summary().startswith("2 files transcribed, 1 skipped, 1 failed: ")
    assert tally.total == 4
