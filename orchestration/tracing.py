"""Sends spans to a collector of OpenTelemetry, where its own variables name one."""

import logging
import os
from collections.abc import Mapping

_ADDRESSES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def is_traced(environ: Mapping[str, str]) -> bool:
    """The address of a collector is enough; OTEL_TRACES_EXPORTER=otlp is, too: it has a default."""
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporter = environ.get("OTEL_TRACES_EXPORTER") or ""
    return exporter == "otlp" or (not exporter and any(environ.get(name) for name in _ADDRESSES))


def start_tracing(environ: Mapping[str, str]) -> None:
    """Send spans in the background; what is left goes out when the process ends.

    Without a collector nothing is imported. A collector that cannot be reached fails no night.
    """
    if not is_traced(environ):
        return
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        logging.getLogger(__name__).warning(
            "OTEL_* names a collector, but nothing is traced: install tieout[otel]"
        )
        return
    # The SDK reads its variables itself, and those of .env are not in the process's environment.
    os.environ.update({name: value for name, value in environ.items() if name.startswith("OTEL_")})
    service = environ.get("OTEL_SERVICE_NAME") or "tieout"
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
