"""Spans for OpenTelemetry where its SDK is set up; elsewhere nothing is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from opentelemetry.trace import Span as OpenTelemetrySpan
    from opentelemetry.trace import Tracer as OpenTelemetryTracer
    from opentelemetry.trace import TracerProvider

Value = str | int | float | bool


class TraceSpan(Protocol):
    """Something that takes time."""

    def note(self, **attributes: Value) -> None:
        """Add facts; `a__b` becomes the attribute `a.b`."""


class Tracer(Protocol):
    """Makes spans."""

    def span(
        self, name: str, carrier: Mapping[str, str] | None = None, **attributes: Value
    ) -> AbstractContextManager[TraceSpan]:
        """Open a span for as long as the context lasts; an error that passes is noted.

        Args:
            name: What is done.
            carrier: Headers of a request, with the trace it belongs to; None for the current one.
            attributes: Facts; `a__b` becomes the attribute `a.b`.
        """


class NoTracer:
    """Makes spans of nothing."""

    @contextmanager
    def span(
        self,
        name: str,  # noqa: ARG002 - the protocol's
        carrier: Mapping[str, str] | None = None,  # noqa: ARG002 - as above
        **_: Value,
    ) -> Iterator[TraceSpan]:
        """Do nothing."""
        yield self

    def note(self, **_: Value) -> None:
        """Do nothing."""


class ApiTracer:
    """Makes spans through OpenTelemetry's API."""

    def __init__(self, tracer: OpenTelemetryTracer) -> None:
        """Wrap a tracer."""
        self._tracer = tracer

    @contextmanager
    def span(
        self, name: str, carrier: Mapping[str, str] | None = None, **attributes: Value
    ) -> Iterator[TraceSpan]:
        """Open a span and make it the current one."""
        from opentelemetry import propagate, trace

        # What comes over the wire is a server's span, what does not is the process's own.
        kind = trace.SpanKind.INTERNAL if carrier is None else trace.SpanKind.SERVER
        context = None if carrier is None else propagate.extract(dict(carrier))
        with self._tracer.start_as_current_span(
            name, context, kind, attributes=_named(attributes)
        ) as span:
            yield _ApiSpan(span)


class _ApiSpan:
    def __init__(self, span: OpenTelemetrySpan) -> None:
        self._span = span

    def note(self, **attributes: Value) -> None:
        self._span.set_attributes(_named(attributes))


def open_tracer(provider: TracerProvider | None = None) -> Tracer:
    """Return the process's tracer.

    Args:
        provider: Where spans go; None for the one that the process has set, as
            `opentelemetry-instrument eclectus serve` does.
    """
    if find_spec("opentelemetry") is None:
        return NoTracer()
    from opentelemetry import trace

    found = trace.get_tracer_provider() if provider is None else provider
    if isinstance(found, trace.ProxyTracerProvider | trace.NoOpTracerProvider):
        return NoTracer()
    return ApiTracer(found.get_tracer("eclectus"))


def _named(attributes: Mapping[str, Value]) -> dict[str, Value]:
    return {name.replace("__", "."): value for name, value in attributes.items()}
