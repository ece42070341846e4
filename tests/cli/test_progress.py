"""How a run is shown."""

import io
import sys

import pytest

from eclectus.apps.cli.progress import Lines, Moving, expected_total, make_view, pace_and_rest


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_long_file_gets_a_line_every_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    view = Lines(clock=clock)
    view.begin(["a.wav"])
    for clock.now, done in ((1.0, 10.0), (11.0, 110.0), (12.0, 120.0), (22.0, 220.0)):
        view.advance(0, done, 600.0 if done < 200 else None)
    assert capsys.readouterr().err == "a.wav: 1:50 min of 10:00 min\na.wav: 3:40 min\n"


def test_quiet_lines_tell_failures_only(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    view = Lines(quiet=True, clock=clock)
    view.begin(["a.wav", "b.wav"])
    view.expect(0, 5.0)
    clock.now = 60.0
    view.advance(0, 1.0, None)
    view.finish(0, "done")
    view.say("hello")
    view.fail(1, "broken")
    with view.paused():
        pass
    view.close()
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "b.wav: broken\n")


def test_without_a_terminal_there_are_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(make_view(quiet=False, verbose=False), Lines)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert isinstance(make_view(quiet=False, verbose=False), Moving)
    assert isinstance(make_view(quiet=True, verbose=False), Lines)
    assert isinstance(make_view(quiet=False, verbose=True), Lines)


@pytest.mark.parametrize(
    ("known", "files", "total"), [([], 3, None), ([10.0], 3, 30.0), ([10.0, 20.0], 2, 30.0)]
)
def test_unknown_files_are_taken_to_be_as_long_as_the_known(
    known: list[float], files: int, total: float | None
) -> None:
    assert expected_total(known, files) == total


def test_a_terminal_shows_bars_above_which_lines_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    view = Moving()
    view.begin(["a.wav", "b" * 60 + ".wav"])
    view.expect(1, 8.0)
    view.advance(0, 1.0, 4.0)
    view.advance(1, 2.0, None)
    view.finish(0, "done")
    with view.paused():
        screen.write("text\n")
    after = screen.getvalue().rpartition("text\n")[2]
    view.fail(1, "broken")
    view.begin(["c.wav"])
    view.advance(0, 1.0, 2.0)
    view.close()
    shown = screen.getvalue()
    assert "\x1b[1A" not in after  # the cursor does not go back over the text
    assert "all 2 files" in shown
    assert "…" in shown
    assert "a.wav: done" in shown
    assert ": broken" in shown
    assert "\x1b[?25h" in shown[-20:]  # the cursor is back


@pytest.mark.parametrize(
    ("done", "total", "wall", "text"),
    [
        (0.0, 10.0, 1.0, ""),
        (4.0, 10.0, 0.0, ""),
        (4.0, None, 2.0, "RTFx 2.0"),
        (4.0, 10.0, 2.0, "RTFx 2.0, 3.0 s left"),
        (4.0, 3.0, 2.0, "RTFx 2.0, 0.0 s left"),
    ],
)
def test_pace_and_time_left_are_told_as_far_as_known(
    done: float, total: float | None, wall: float, text: str
) -> None:
    assert pace_and_rest(done, total, wall) == text
