"""The tree of errors."""

import inspect

import pytest

from eclectus.core import errors
from eclectus.core.errors import CapacityError, EclectusError, UndecodableAudioError

ALL = [
    value
    for _, value in inspect.getmembers(errors, inspect.isclass)
    if issubclass(value, EclectusError)
]


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [error.code for error in ALL]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)
def test_every_error_says_its_message_and_keeps_its_context(error: type[EclectusError]) -> None:
    raised = error("Do this next.", path="a.wav")
    assert str(raised) == "Do this next."
    assert raised.context == {"path": "a.wav"}


def test_errors_are_also_the_builtin_that_a_caller_would_catch() -> None:
    with pytest.raises(ValueError, match="broken"):
        raise UndecodableAudioError("broken")


def test_a_capacity_error_says_when_to_try_again() -> None:
    assert CapacityError("full", retry_after_s=2.5).retry_after_s == 2.5
