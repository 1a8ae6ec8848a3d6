"""Sends spans to a collector by OTLP over HTTP (OpenTelemetry), where one is set.

The packages are an extra: `pip install insurance-navigator[otel]`. Headers, such as a key, and the
share of traces that is sent are OpenTelemetry's own variables (`OTEL_EXPORTER_OTLP_HEADERS`,
`OTEL_TRACES_SAMPLER`).
"""

from __future__ import annotations

import atexit
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from app.version import program_version
from pipeline import tracing
from pipeline.errors import ConfigurationError
from pipeline.settings import Settings

if TYPE_CHECKING:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

_PATH = "/v1/traces"
_asked: ContextVar[UUID | None] = ContextVar("trace_id", default=None)


def configure_tracing(settings: Settings, process: str) -> None:
    """Send this process's spans where the settings say; nothing is sent without an address.

    Args:
        process: its name: the service is called ``navigator-`` with it.

    Raises:
        ConfigurationError: the extra is not installed, or the collector would be reached in clear.
    """
    if settings.otlp_endpoint is None:
        return
    from stages.protected_connections import require_http

    require_http(settings, settings.otlp_endpoint, "the collector", "NAVIGATOR_OTLP_ENDPOINT")
    try:
        provider = _provider(settings.otlp_endpoint.rstrip("/") + _PATH, process)
    except ImportError:
        raise ConfigurationError(
            "NAVIGATOR_OTLP_ENDPOINT is set, and OpenTelemetry is not installed.",
            remedy="`pip install 'insurance-navigator[otel]'`, or unset it.",
        ) from None
    tracing.trace_with(_Tracer(provider.get_tracer("insurance-navigator")))
    atexit.register(provider.shutdown)  # what waits is sent, for a few seconds at most


def _provider(address: str, process: str) -> TracerProvider:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class Numbers(RandomIdGenerator):
        """A trace has the number of the document's correlation id."""

        def generate_trace_id(self) -> int:
            asked = _asked.get()
            return asked.int if asked and asked.int else super().generate_trace_id()

    named = {"service.name": f"navigator-{process}", "service.version": program_version()}
    provider = TracerProvider(resource=Resource.create(named), id_generator=Numbers())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=address)))
    return provider


@dataclass(frozen=True, slots=True)
class _Span:
    span: trace.Span

    def end(self, said: Mapping[str, Any], failed: str | None) -> None:
        """End it with what it says; an error by its code alone."""
        from opentelemetry.trace import Status, StatusCode

        for name, value in said.items():
            self.span.set_attribute(f"navigator.{name}", value)
        if failed is not None:
            self.span.set_attribute("error.type", failed)
            self.span.set_status(Status(StatusCode.ERROR, failed))
        self.span.end()


@dataclass(frozen=True, slots=True)
class _Tracer:
    tracer: trace.Tracer

    def start(self, name: str, trace: UUID, above: tracing.Span | None) -> _Span:
        """Begin a span of a trace, inside of another one of it."""
        from opentelemetry.context import Context
        from opentelemetry.trace import set_span_in_context

        inside = Context()
        if isinstance(above, _Span):
            inside = set_span_in_context(above.span, inside)
        token = _asked.set(trace)
        try:
            return _Span(self.tracer.start_span(name, inside))
        finally:
            _asked.reset(token)
