"""Counts this process's requests and webhooks for /metrics.

Everything else is read from Postgres, where the work of all processes is.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

REGISTRY = CollectorRegistry()
"""Our own, so that nothing else of this process is told."""

_LATENCY_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10, 30)

REQUESTS = Histogram(
    "navigator_http_request_duration_seconds",
    "Time until an answer has been sent; event streams, which stay open, are left out.",
    ["method", "route", "status"],
    buckets=_LATENCY_SECONDS,
    registry=REGISTRY,
)
WEBHOOKS = Counter(
    "navigator_webhook_requests",
    "Requests to the receiver of webhooks, by what came of them.",
    ["outcome"],
    registry=REGISTRY,
)
