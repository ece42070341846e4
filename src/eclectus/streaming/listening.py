"""Streams listen for speech together: one thread hears all blocks that wait.

Block by block that would be some ten short calls of NumPy each, all of which let go of the
interpreter and wait for it again; while others compute, they wait longer than they work.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np

from eclectus.core.errors import StreamClosedError
from eclectus.core.types import FloatArray
from eclectus.signal.onset import Measured, OnsetDetector, measure_together
from eclectus.streaming.engine import Work
from eclectus.streaming.events import Event
from eclectus.streaming.steps import Listening, Steps

_TOGETHER = 16_000
"""Samples that are heard at once: what is computed of them stays in the cache."""


def listen(requests: Sequence[Listening]) -> list[Exception | None]:
    """Let streams hear their samples; who fails fails alone.

    Returns:
        For each what went wrong.
    """
    frames: list[FloatArray | Exception | None] = [_gathered(request) for request in requests]
    measured = iter(_measured([some for some in frames if isinstance(some, np.ndarray)]))
    errors: list[Exception | None] = []
    for request, some in zip(requests, frames, strict=True):
        errors.append(_decided(request, next(measured)) if isinstance(some, np.ndarray) else some)
    return errors


def _gathered(request: Listening) -> FloatArray | Exception | None:
    """Return the mel frames to measure; where that is not how it hears, let it hear."""
    try:
        if isinstance(request.detector, OnsetDetector):
            return request.detector.gather(request.samples)
        request.hear()
    except Exception as error:  # noqa: BLE001 - told to whose stream it is
        return error
    return None


def _measured(frames: Sequence[FloatArray]) -> list[Measured | Exception]:
    try:
        return [*measure_together(frames)]
    except Exception as error:  # noqa: BLE001 - told to whose streams they are
        return [error] * len(frames)


def _decided(request: Listening, measured: Measured | Exception) -> Exception | None:
    if isinstance(measured, Exception):
        return measured
    assert isinstance(request.detector, OnsetDetector)
    try:
        request.decisions = request.detector.decide(measured)
    except Exception as error:  # noqa: BLE001 - told to whose stream it is
        return error
    return None


@dataclass(slots=True, eq=False)
class _Call:
    """A call for a stream, on its way to its first step of the model.

    Attributes:
        steps: Of the stream.
        future: Of the caller.
        listening: What it wants to hear next; None before it has begun, and when it goes on.
    """

    steps: Steps
    future: Future[list[Event]]
    listening: Listening | None = None


class Listener:
    """Takes calls for streams as far as the first step of the model, in a thread of its own.

    A stream hears a long block in pieces, and others come to their turn between them.
    """

    def __init__(self, on_work: Callable[[Steps, Work, Future[list[Event]]], None]) -> None:
        """Start the thread.

        Args:
            on_work: Called from it with each call that has come to a step.
        """
        self._on_work = on_work
        self._changed = threading.Condition()
        self._waiting: list[_Call] = []
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="listening", daemon=True)
        self._thread.start()

    def submit(self, steps: Steps, future: Future[list[Event]]) -> None:
        """Queue a call; returns at once.

        Raises:
            StreamClosedError: `close` was called before.
        """
        with self._changed:
            if self._closed:
                raise StreamClosedError("the scheduler has ended")
            self._waiting.append(_Call(steps, future))
            self._changed.notify()

    def close(self) -> None:
        """Take the calls that wait to their steps, then end the thread; safe to call twice."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if threading.current_thread() is not self._thread:  # a callback of a future may close
            self._thread.join()

    def _serve(self) -> None:
        while calls := self._take():
            for call in calls:
                if call.listening is None:
                    self._go_on(call)
            listening = [call for call in calls if call.listening is not None]
            for group in _groups(listening):
                requests = [call.listening for call in group if call.listening is not None]
                for call, error in zip(group, listen(requests), strict=True):
                    self._go_on(call, error)
            with self._changed:
                self._waiting += [call for call in listening if call.listening is not None]

    def _take(self) -> list[_Call]:
        """Wait for calls; return all, none after `close` when nobody waits."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            calls, self._waiting = self._waiting, []
            return calls

    def _go_on(self, call: _Call, error: Exception | None = None) -> None:
        """Let a call run to what it asks for next, or to its end."""
        call.listening = None
        try:
            request = next(call.steps) if error is None else call.steps.throw(error)
            if isinstance(request, Listening):
                call.listening = request
            else:
                self._on_work(call.steps, request, call.future)
        except StopIteration as stop:
            call.future.set_result(stop.value)
        except Exception as failure:  # noqa: BLE001 - the thread's boundary: others must go on
            call.future.set_exception(failure)


def _groups(calls: Sequence[_Call]) -> Iterator[list[_Call]]:
    """Divide calls into those that are heard at once."""
    group: list[_Call] = []
    samples = 0
    for call in calls:
        group.append(call)
        samples += 0 if call.listening is None else len(call.listening.samples)
        if samples >= _TOGETHER:
            yield group
            group, samples = [], 0
    if group:
        yield group
