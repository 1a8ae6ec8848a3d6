"""Spans as a collector gets them: one trace for each document, and nothing that names it."""

from __future__ import annotations

import atexit
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from uuid import UUID, uuid4

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from app.process import tracing as process_tracing
from pipeline import correlation, tracing
from pipeline.errors import ConfigurationError, RateLimited
from pipeline.settings import Settings


class Collector(ThreadingHTTPServer):
    """Receives spans by OTLP over HTTP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receiving)
        self.bodies: list[bytes] = []

    @property
    def spans(self) -> list[Any]:
        """Every span that came."""
        found = []
        for body in self.bodies:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    found += scope.spans
        return found


class _Receiving(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        """Take spans."""
        import gzip

        body = self.rfile.read(int(self.headers["Content-Length"]))
        packed = self.headers.get("Content-Encoding") == "gzip"
        self.server.bodies.append(gzip.decompress(body) if packed else body)
        assert self.path == "/v1/traces"
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector on this machine; this process traces no longer afterwards."""
    with Collector() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
    tracing.trace_with(None)


@pytest.fixture
def sent(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Traces to the collector; a call has what waits sent, and gives the spans."""
    ends: list[Any] = []
    monkeypatch.setattr(atexit, "register", ends.append)
    address = f"http://127.0.0.1:{collector.server_port}"
    process_tracing.configure_tracing(Settings(otlp_endpoint=address), "worker")

    def flushed() -> list[Any]:
        for end in ends:
            end()
        return collector.spans

    return flushed


def trace_of(span: Any) -> UUID:
    """The number of a span's trace."""
    return UUID(bytes=span.trace_id)


def test_what_is_done_for_a_document_is_one_trace(sent: Any) -> None:
    """Its number is the correlation id, also from another process; what is inside is below."""
    document = uuid4()
    with correlation.bound([document]), tracing.span("request", method="POST") as said:
        said["route"] = "/api/v1/documents"
    with (
        correlation.bound([document]),
        tracing.span("work on documents"),
        tracing.span("embed"),
        tracing.span("transaction", alone=True),
    ):
        pass
    spans = {each.name: each for each in sent()}
    assert {trace_of(each) for each in spans.values()} == {document}
    assert not spans["request"].parent_span_id and not spans["work on documents"].parent_span_id
    assert spans["embed"].parent_span_id == spans["work on documents"].span_id
    assert spans["transaction"].parent_span_id == spans["embed"].span_id
    told = {each.key: each.value.string_value for each in spans["request"].attributes}
    assert told["navigator.route"] == "/api/v1/documents"


def test_a_batch_is_told_in_the_trace_of_each_of_its_documents(sent: Any) -> None:
    """But not its transactions, and not for more documents than a few."""
    documents = [uuid4() for _ in range(tracing.MOST_AT_ONCE + 5)]
    with (
        correlation.bound(documents),
        tracing.span("embed"),
        tracing.span("transaction", alone=True),
    ):
        pass
    spans = sent()
    assert [trace_of(each) for each in spans] == documents[: tracing.MOST_AT_ONCE]
    assert {each.name for each in spans} == {"embed"}
    [number] = [each.value.int_value for each in spans[0].attributes]
    assert number == len(documents)


def test_an_error_is_told_by_its_code(sent: Any) -> None:
    """Its words may quote anything."""
    with (
        pytest.raises(RateLimited),
        correlation.bound([uuid4()]),
        tracing.span("embed"),
    ):
        raise RateLimited("Anna's policy is too long.")
    [span] = sent()
    assert span.status.message == "rate_limited"
    assert b"Anna" not in span.SerializeToString()


def test_without_an_id_or_a_collector_nothing_is_told(sent: Any) -> None:
    """Nothing is made up."""
    with tracing.span("maintain"):
        pass
    assert sent() == []
    process_tracing.configure_tracing(Settings(), "worker")


def test_a_collector_elsewhere_is_reached_with_tls() -> None:
    """By the one rule for all connections."""
    with pytest.raises(ConfigurationError, match="collector"):
        process_tracing.configure_tracing(Settings(otlp_endpoint="http://10.1.2.3:4318"), "api")


def test_without_the_extra_the_program_says_so_and_without_an_address_needs_none() -> None:
    """OpenTelemetry is asked for only when spans are to be sent."""
    code = """
import sys
sys.modules["opentelemetry.sdk"] = None
from app.process.tracing import configure_tracing
from pipeline.settings import Settings
configure_tracing(Settings(), "api")
try:
    configure_tracing(Settings(otlp_endpoint="http://127.0.0.1:4318"), "api")
except Exception as error:
    print(error, error.remedy)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "OpenTelemetry is not installed" in done.stdout
    assert "[otel]" in done.stdout
