from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry import trace

from eclectus.service.tracing import ApiTracer, NoTracer, open_tracer


class Recorded(trace.NonRecordingSpan):
    """A span that keeps what it is told."""

    def __init__(self, name: str, parent: Any, kind: Any, attributes: Any) -> None:
        super().__init__(trace.INVALID_SPAN_CONTEXT)
        self.name, self.kind = name, kind
        self.parent = trace.get_current_span(parent).get_span_context()
        self.attributes = dict(attributes or {})
        self.errors: list[BaseException] = []

    def set_attributes(self, attributes: Any) -> None:
        self.attributes.update(attributes)

    def is_recording(self) -> bool:
        return True

    def record_exception(self, exception: BaseException, *_: Any, **__: Any) -> None:
        self.errors.append(exception)


class Recorder(trace.TracerProvider, trace.Tracer):
    """A provider, and tracer, that keeps spans."""

    def __init__(self) -> None:
        self.spans: list[Recorded] = []

    def get_tracer(self, *_: Any, **__: Any) -> "Recorder":
        return self

    def start_span(
        self,
        name: str,
        context: Any = None,
        kind: Any = None,
        attributes: Any = None,
        *_: Any,
        **__: Any,
    ) -> Recorded:
        self.spans.append(Recorded(name, context, kind, attributes))
        return self.spans[-1]

    def start_as_current_span(self, *arguments: Any, **named: Any) -> Any:
        return _current(self.start_span(*arguments, **named))


@contextmanager
def _current(span: Recorded) -> Iterator[Recorded]:
    with trace.use_span(span, record_exception=True):
        yield span


def test_without_an_sdk_nothing_is_traced() -> None:
    assert isinstance(open_tracer(), NoTracer)
    assert isinstance(open_tracer(trace.NoOpTracerProvider()), NoTracer)


def test_without_the_api_nothing_is_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eclectus.service.tracing.find_spec", lambda _: None)
    tracer = open_tracer()
    with tracer.span("x", {}, a__b=1) as span:
        span.note(c=2)
    assert isinstance(tracer, NoTracer)


def test_a_span_has_dotted_attributes() -> None:
    recorder = Recorder()
    with open_tracer(recorder).span("work", eclectus__protocol="test") as span:
        span.note(eclectus__audio_s=1.5)
    (found,) = recorder.spans
    assert (found.name, found.kind) == ("work", trace.SpanKind.INTERNAL)
    assert found.attributes == {"eclectus.protocol": "test", "eclectus.audio_s": 1.5}


def test_a_request_continues_the_trace_of_its_client() -> None:
    recorder = Recorder()
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with ApiTracer(recorder).span("GET", {"traceparent": parent}):
        pass
    (found,) = recorder.spans
    assert found.kind == trace.SpanKind.SERVER
    assert f"{found.parent.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"


def test_an_error_is_noted_and_goes_on() -> None:
    recorder = Recorder()
    problem = ValueError("no")
    with pytest.raises(ValueError, match="no"), ApiTracer(recorder).span("work"):
        raise problem
    assert recorder.spans[0].errors == [problem]
