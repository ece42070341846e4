import asyncio
import time

from prometheus_client.parser import text_string_to_metric_families

from eclectus.service.lag import watch_lag
from eclectus.service.telemetry import Telemetry


def values(telemetry: Telemetry) -> dict[str, float]:
    """Every sample by name and labels."""
    text = telemetry.render().decode()
    return {
        f"{one.name}{one.labels or ''}": one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_a_queue_is_read_when_the_numbers_are_asked_for() -> None:
    telemetry, waiting = Telemetry(), [1]
    telemetry.watch_queue("stream", lambda: len(waiting))
    assert values(telemetry)["eclectus_queue{'kind': 'stream'}"] == 1
    waiting.append(2)
    assert values(telemetry)["eclectus_queue{'kind': 'stream'}"] == 2


def test_batches_and_waits_are_counted_by_kind() -> None:
    telemetry = Telemetry()
    telemetry.computed("file", 4)
    telemetry.computed("file", 1)
    telemetry.waited("stream", 0.25)
    found = values(telemetry)
    assert found["eclectus_batch_size_sum{'kind': 'file'}"] == 5
    assert found["eclectus_batch_size_count{'kind': 'file'}"] == 2
    assert found["eclectus_wait_seconds_sum{'kind': 'stream'}"] == 0.25


def test_a_session_counts_while_it_lasts() -> None:
    telemetry = Telemetry()
    with telemetry.session("ears"), telemetry.file():
        assert values(telemetry)["eclectus_sessions{'protocol': 'ears'}"] == 1
        assert values(telemetry)["eclectus_files"] == 1
    assert values(telemetry)["eclectus_sessions{'protocol': 'ears'}"] == 0


def test_every_metric_begins_with_the_product_or_the_process() -> None:
    names = [family.name for family in Telemetry().registry.collect()]
    assert all(name.startswith(("eclectus", "process_")) for name in names)


def test_a_blocked_loop_is_told() -> None:
    lags: list[float] = []

    async def block() -> None:
        watching = asyncio.create_task(watch_lag(lags.append, 0.01))
        async with asyncio.timeout(60):
            while not lags:  # it watches
                await asyncio.sleep(0.01)
            time.sleep(0.3)  # what a handler must never do
            while max(lags) <= 0.2:
                await asyncio.sleep(0.01)
        watching.cancel()

    asyncio.run(block())
    assert max(lags) > 0.2
