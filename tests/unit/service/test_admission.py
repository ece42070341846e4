"""Bounded numbers of clients."""

import pytest

from eclectus.core.errors import CapacityError
from eclectus.service.admission import Admission


def refusal(admission: Admission, client: str) -> object:
    with pytest.raises(CapacityError) as caught, admission.enter(client):
        pass
    assert caught.value.retry_after_s == 1.0
    return caught.value.context["limit"]


def test_no_more_come_in_than_there_are_places() -> None:
    admission = Admission("places", 2)
    with admission.enter("a"), admission.enter("b"):
        assert admission.inside == 2
        assert refusal(admission, "c") == "server"
    with admission.enter("c"):
        assert admission.inside == 1


def test_one_client_has_no_more_than_its_share() -> None:
    admission = Admission("places", 9, 1)
    with admission.enter("a"):
        assert refusal(admission, "a") == "client"
        with admission.enter("b"):
            assert admission.inside == 2


def test_who_leaves_with_an_error_frees_the_place() -> None:
    admission = Admission("places", 1)
    with pytest.raises(KeyError), admission.enter("a"):
        raise KeyError
    assert admission.inside == 0


def test_nobody_comes_in_when_it_is_closed_and_who_is_inside_may_stay() -> None:
    admission = Admission("places", 9)
    with admission.enter("a"):
        admission.close()
        assert refusal(admission, "a") == "closing"
        assert admission.inside == 1
