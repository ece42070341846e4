"""Streams listen for speech together: one thread hears all blocks that wait.

Block by block that would be some short calls each, all of which let go of the interpreter and wait
for it again; while others compute, they wait longer than they work.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

from eclectus.core.errors import StreamClosedError
from eclectus.core.protocols import DetectorNetwork, SharingDetector
from eclectus.core.timebase import SAMPLE_RATE
from eclectus.streaming.engine import Work
from eclectus.streaming.events import Event
from eclectus.streaming.steps import Listening, Steps

_TOGETHER = SAMPLE_RATE
"""Samples that are heard at once: what is computed of them stays in the cache."""


def listen(requests: Sequence[Listening]) -> list[Exception | None]:
    """Let streams hear their samples; those that share a network in one call of it.

    A stream that fails by itself fails alone; a network that fails, fails for all of its streams.

    Returns:
        For each stream what went wrong.
    """
    errors: dict[int, Exception | None] = {}
    sharing: dict[DetectorNetwork, list[Listening]] = {}
    for request in requests:
        if isinstance(request.detector, SharingDetector):
            sharing.setdefault(request.detector.network, []).append(request)
        else:
            errors[id(request)] = _error_of(request.hear)
    for network, group in sharing.items():
        error = _error_of(partial(_hear_together, network, group))
        errors.update((id(request), error) for request in group)
    return [errors[id(request)] for request in requests]


def _hear_together(network: DetectorNetwork, group: Sequence[Listening]) -> None:
    found = network.hear([one.detector for one in group], [one.samples for one in group])
    for request, decisions in zip(group, found, strict=True):
        request.decisions = decisions


def _error_of(call: Callable[[], None]) -> Exception | None:
    try:
        call()
    except Exception as error:  # noqa: BLE001 - raised in the calls for these streams
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


class ListeningThread:
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
