"""The files of many clients on one model."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from eclectus.api import Model
from eclectus.core.errors import CapacityError, OptionError, UndecodableAudioError
from eclectus.core.options import BatchOptions, LongFormOptions, TranscribeOptions
from eclectus.core.types import FloatArray, Progress, Word
from eclectus.service.file_scheduler import FileScheduler, FileTicket
from eclectus.streaming.gate import Gate

DATA = Path(__file__).resolve().parents[2] / "data"
SHORT = TranscribeOptions(long_form=LongFormOptions(window_s=6.0, overlap_s=2.0))
_PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def speech() -> FloatArray:
    """Some 10 s."""
    parts = [
        soundfile.read(DATA / name, dtype="float32")[0] for name in ("garden.flac", "temper.flac")
    ]
    return np.concatenate(parts)


@pytest.fixture
def one_by_one(model: Model) -> Iterator[FileScheduler]:
    scheduler = FileScheduler(model, batch=BatchOptions(size=1))
    yield scheduler
    scheduler.close()


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_batches_of_many_clients_give_what_each_file_gives_alone(
    model: Model, speech: FloatArray
) -> None:
    scheduler = FileScheduler(model, batch=BatchOptions(size=8))
    sources = [speech, speech[:80_000], speech[40_000:], np.zeros(100, np.float32)]
    tickets = [
        scheduler.submit(source, client=str(number), options=SHORT)
        for number, source in enumerate(sources)
    ]
    found = [ticket.future.result(_PATIENCE_S) for ticket in tickets]
    scheduler.close()
    assert [one.text for one in found] == [
        model.transcribe(source, options=SHORT).text for source in sources
    ]
    assert found[0].text


def test_a_short_file_does_not_wait_for_another_clients_long_one(
    one_by_one: FileScheduler, speech: FloatArray
) -> None:
    begun = threading.Event()
    long = one_by_one.submit(
        np.tile(speech, 30), client="a", options=SHORT, on_progress=lambda _: begun.set()
    )
    assert begun.wait(_PATIENCE_S)
    short = one_by_one.submit(speech[:48_000], client="b")
    short.future.result(_PATIENCE_S)
    assert not long.future.done()
    long.future.cancel()


def test_a_client_with_many_files_does_not_hold_up_one_with_one(
    one_by_one: FileScheduler, speech: FloatArray
) -> None:
    many = [one_by_one.submit(np.tile(speech, 4), client="a", options=SHORT) for _ in range(6)]
    one = one_by_one.submit(speech[:48_000], client="b")
    one.future.result(_PATIENCE_S)
    assert not any(ticket.future.done() for ticket in many[1:])
    for ticket in many:
        ticket.future.cancel()


def test_a_cancelled_file_is_let_go_and_computed_no_further(
    one_by_one: FileScheduler, speech: FloatArray
) -> None:
    begun = threading.Event()
    source = io.BytesIO()
    soundfile.write(source, np.tile(speech, 60), 16_000, format="WAV")
    ticket = one_by_one.submit(source, options=SHORT, on_progress=lambda _: begun.set())
    assert begun.wait(_PATIENCE_S)
    assert ticket.future.cancel()
    assert ticket.released.wait(_PATIENCE_S)
    source.close()
    wait_until(lambda: one_by_one.waiting == 0)
    done = ticket.windowed.pending.samples
    one_by_one.submit(speech[:48_000]).future.result(_PATIENCE_S)
    # One window may have been in the encoder.
    assert ticket.windowed.pending.samples <= done + 2 * 6 * 16_000
    assert not ticket.windowed.pending.complete


def test_a_broken_file_fails_alone(one_by_one: FileScheduler, speech: FloatArray) -> None:
    good = one_by_one.submit(speech, client="a", options=SHORT)
    bad = one_by_one.submit(b"no audio", client="b")
    with pytest.raises(UndecodableAudioError):
        bad.future.result(_PATIENCE_S)
    assert good.future.result(_PATIENCE_S).text
    wait_until(lambda: one_by_one.waiting == 0)


def test_a_callback_that_fails_fails_its_own_file_alone(
    one_by_one: FileScheduler, speech: FloatArray
) -> None:
    def broken(_: Progress) -> None:
        raise RuntimeError("a caller's own mistake")

    bad = one_by_one.submit(speech, client="a", options=SHORT, on_progress=broken)
    good = one_by_one.submit(speech, client="b", options=SHORT)
    with pytest.raises(RuntimeError, match="own mistake"):
        bad.future.result(_PATIENCE_S)
    assert good.future.result(_PATIENCE_S).text


def test_an_impossible_option_is_told_at_once(one_by_one: FileScheduler) -> None:
    with pytest.raises(OptionError):
        one_by_one.submit(b"", options=TranscribeOptions(language="xx"))


def test_settled_words_come_before_the_transcript_and_are_its_words(
    one_by_one: FileScheduler, speech: FloatArray
) -> None:
    told: list[tuple[Word, ...]] = []
    progress: list[Progress] = []
    ticket = one_by_one.submit(
        np.tile(speech, 3), options=SHORT, on_words=told.append, on_progress=progress.append
    )
    transcript = ticket.future.result(_PATIENCE_S)
    assert len(told) > 2
    assert tuple(word for words in told for word in words) == transcript.words
    assert progress[-1].done_s == transcript.duration


def test_a_scheduler_that_is_closed_completes_what_it_has_and_takes_no_more(
    model: Model, speech: FloatArray
) -> None:
    scheduler = FileScheduler(model)
    ticket: FileTicket = scheduler.submit(speech)
    scheduler.close()
    scheduler.close()
    assert ticket.future.done()
    assert ticket.future.result().text
    with pytest.raises(CapacityError):
        scheduler.submit(speech)


@pytest.mark.slow
def test_files_go_on_while_live_streams_are_open(model: Model, speech: FloatArray) -> None:
    gate = Gate()
    gate.enter()
    scheduler = FileScheduler(model, gate=gate)
    with gate.live():
        ticket = scheduler.submit(speech)
        assert ticket.future.result(_PATIENCE_S).text  # nobody starves
    scheduler.close()
