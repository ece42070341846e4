import pytest
from prometheus_client import Histogram

from eclectus.core.types import Word
from eclectus.service.meter import LiveMeter
from eclectus.service.telemetry import Telemetry
from eclectus.streaming.events import Endpoint, EndpointReason, Final, Partial, SpeechStarted

RATE = 100


class Clock:
    """A clock that the test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def meter(telemetry: Telemetry, clock: Clock) -> LiveMeter:
    """Audio of the seconds 0 to 10 that arrived in real time, 5 s late."""
    found = LiveMeter(telemetry, sample_rate=RATE, silence_s=0.5, clock=clock)
    for second in range(1, 11):
        clock.now = 5.0 + second
        found.arrived(RATE)
    return found


def total(histogram: Histogram) -> tuple[float, float]:
    """Number and sum of what was observed."""
    (metric,) = histogram.collect()
    values = {one.name.rpartition("_")[2]: one.value for one in metric.samples}
    return values["count"], values["sum"]


def word() -> tuple[Word, ...]:
    return (Word("hello", 2.0, 2.4, 0.9),)


def test_the_first_word_is_timed_from_the_arrival_of_its_speech(
    meter: LiveMeter, clock: Clock, telemetry: Telemetry
) -> None:
    meter.told(SpeechStarted(1.5))  # in the piece that came at 7
    clock.now = 9.0
    meter.told(Partial(()))
    assert total(telemetry.first_word_s) == (0, 0)
    meter.told(Partial(word()))
    meter.told(Final(word()))
    assert total(telemetry.first_word_s) == (1, 2.0)


def test_final_words_are_timed_from_the_silence_that_ended_the_utterance(
    meter: LiveMeter, clock: Clock, telemetry: Telemetry
) -> None:
    clock.now = 14.25
    meter.told(Endpoint(8.2, EndpointReason.SILENCE))  # 8.2 + 0.5 came at 14
    assert total(telemetry.final_s) == (1, 0.25)


def test_a_flush_is_timed_from_the_moment_it_was_asked_for(
    meter: LiveMeter, clock: Clock, telemetry: Telemetry
) -> None:
    meter.ordered(20.0)
    clock.now = 20.5
    meter.told(Endpoint(3.0, EndpointReason.FLUSH))
    assert total(telemetry.final_s) == (1, 0.5)


def test_an_utterance_that_is_cut_for_its_length_has_no_such_time(
    meter: LiveMeter, telemetry: Telemetry
) -> None:
    meter.told(Endpoint(8.0, EndpointReason.LENGTH))
    assert total(telemetry.final_s) == (0, 0)


def test_after_a_restart_arrivals_count_from_zero(
    meter: LiveMeter, clock: Clock, telemetry: Telemetry
) -> None:
    meter.restarted()
    meter.told(Endpoint(1.0, EndpointReason.SILENCE))
    assert total(telemetry.final_s) == (0, 0)
    clock.now = 30.0
    meter.arrived(2 * RATE)
    clock.now = 30.5
    meter.told(Endpoint(1.0, EndpointReason.SILENCE))
    assert total(telemetry.final_s) == (1, 0.5)


def test_old_arrivals_are_forgotten(meter: LiveMeter) -> None:
    for _ in range(1000):
        meter.arrived(RATE)
    assert len(meter._arrivals) == 121
