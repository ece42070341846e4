import json
import logging
from collections.abc import Iterator

import pytest

from eclectus.apps.cli.flags import start_logging
from eclectus.config.schema import LogLevel
from eclectus.service.logs import JsonFormatter, log_as_json, request_id


def line(**extra: object) -> dict[str, object]:
    """Format one record."""
    record = logging.makeLogRecord(
        {"name": "eclectus.x", "levelname": "WARNING", "msg": "no %s", "args": ("good",), **extra}
    )
    found = json.loads(JsonFormatter().format(record))
    assert isinstance(found, dict)
    return found


def test_a_line_tells_time_level_logger_and_message() -> None:
    entry = line(created=0.25)
    assert entry == {
        "time": "1970-01-01T00:00:00.250+00:00",
        "level": "warning",
        "logger": "eclectus.x",
        "message": "no good",
    }


def test_a_line_tells_the_request_it_belongs_to() -> None:
    token = request_id.set("abc-1")
    try:
        assert line()["request_id"] == "abc-1"
    finally:
        request_id.reset(token)
    assert "request_id" not in line()


def test_extras_and_letters_of_all_languages_are_kept() -> None:
    assert line(seconds=0.5, city="Kraków") | {"time": None} == {
        **line(),
        "time": None,
        "seconds": 0.5,
        "city": "Kraków",
    }


def test_what_json_does_not_know_becomes_text() -> None:
    assert line(problem=ValueError("x"))["problem"] == "x"


def test_an_error_brings_its_traceback_in_one_line() -> None:
    problem = ValueError("two\nlines")
    entry = line(exc_info=(ValueError, problem, None))
    assert str(entry["traceback"]).endswith("ValueError: two\nlines")


@pytest.fixture
def _loggers() -> Iterator[None]:
    loggers = [logging.getLogger(), logging.getLogger("eclectus")]
    before = [(one.handlers[:], one.level, one.propagate) for one in loggers]
    yield
    for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
        logger.handlers[:] = handlers
        logger.setLevel(level)
        logger.propagate = propagate


@pytest.mark.usefixtures("_loggers")
def test_all_loggers_write_json_lines_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    log_as_json("info")
    logging.getLogger("any").info("heard")
    logging.getLogger("any").debug("not heard")
    out, err = capsys.readouterr()
    assert out == ""
    (entry,) = map(json.loads, err.splitlines())
    assert entry["message"] == "heard"


@pytest.mark.usefixtures("_loggers")
def test_the_program_itself_speaks_json_even_if_the_command_line_began_otherwise(
    capsys: pytest.CaptureFixture[str],
) -> None:
    start_logging(LogLevel.ERROR)
    log_as_json("info")
    logging.getLogger("eclectus.service").info("heard")
    (entry,) = map(json.loads, capsys.readouterr().err.splitlines())
    assert entry["logger"] == "eclectus.service"
