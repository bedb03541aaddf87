"""Spans of the trace: what is being worked on, and each request.

Without an SDK of OpenTelemetry (the extra `otel`) they are no-ops. Who collects them is not
decided here.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from extractors.facts import bound

_tracer = trace.get_tracer("tieout")


@contextmanager
def traced(name: str, **known: str) -> Iterator[None]:
    """Log lines inside carry the facts, the span carries them as `tieout.<fact>`."""
    attributes = {f"tieout.{fact}": value for fact, value in known.items()}
    # An exception's text is for people who may see it; a trace gets its class.
    with (
        bound(**known),
        _tracer.start_as_current_span(
            name, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span,
    ):
        try:
            yield
        except BaseException as error:
            failed(span, type(error).__name__)
            raise


def failed(span: Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR, kind))


def request_span(
    system: str, method: str, endpoint: str, correlation_id: str
) -> AbstractContextManager[Span]:
    """The span of one request; of its address only the template.

    What instruments httpx in general tells whole addresses: queries hold names and e-mails.
    """
    return _tracer.start_as_current_span(
        f"{method} {endpoint}",
        kind=SpanKind.CLIENT,
        attributes={
            "http.request.method": method,
            "url.template": endpoint,
            "tieout.system": system,
            "tieout.correlation_id": correlation_id,
        },
        record_exception=False,
        set_status_on_exception=False,
    )


def answered(
    span: Span, status: int | None, number: int, request_id: str | None, failure: str | None
) -> None:
    """What came of a request, on its span; `number` counts attempts from 1."""
    if not span.is_recording():
        return
    if status is not None:
        span.set_attribute("http.response.status_code", status)
    if number > 1:
        span.set_attribute("http.request.resend_count", number - 1)
    if request_id:
        span.set_attribute("tieout.request_id", request_id)
    if failure:
        failed(span, failure)
