"""Exports Prometheus metrics that are read from Postgres, so that every process's work counts.

Names and units are Prometheus's own conventions. Labels hold states, codes, services and routes of
ours: no user, no document, nothing that somebody sent.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from app.api.dispatching import DispatchCounts
from app.api.process_metrics import REGISTRY
from pipeline.finding_kinds import Kind
from pipeline.findings import Tally
from pipeline.states import JobState
from pipeline.store import findings, metrics, recall
from pipeline.store.engine import Database
from pipeline.store.findings import MaintenanceRun
from pipeline.store.metrics import LATENCY_SECONDS, CallTotals, Figures
from pipeline.store.recall import Recall
from pipeline.webhooks import ENDS

KEEP_SECONDS = 2.0
"""Scrapes within this time are answered with the same figures."""

_CIRCUITS = ("closed", "half_open", "open")
_CALL = ["service", "operation", "outcome"]


class Metrics:
    """What /metrics says."""

    def __init__(self, database: Database, dispatched: DispatchCounts) -> None:
        self._database = database
        self._dispatched = dispatched
        self._calls = CallTotals()
        self._lock = asyncio.Lock()
        self._kept: list[Metric] = []
        self._read_at = float("-inf")

    async def exposition(self) -> bytes:
        """The figures in Prometheus's text format.

        Raises:
            DatabaseUnavailable: there are none then.
        """
        async with self._lock:
            if time.monotonic() - self._read_at > KEEP_SECONDS:
                self._kept = await self._read()
                self._read_at = time.monotonic()
        registry = CollectorRegistry()
        registry.register(_Collected([*self._kept, *self._of_this_process()]))
        return generate_latest(registry)

    async def _read(self) -> list[Metric]:
        async with self._database.service() as connection:
            figures = await metrics.figures(connection)
            calls = await self._calls.read(connection)
            looked = await findings.latest(connection)
            recalled = await recall.latest(connection)
        return [
            *_of_documents(figures),
            *_of_stages(figures),
            *_of_services(figures, calls),
            *_of_maintenance(looked),
            *_of_recall(recalled),
        ]

    def _of_this_process(self) -> Iterator[Metric]:
        counts = self._dispatched
        dispatched = CounterMetricFamily(
            "navigator_dispatched_jobs",
            "Jobs for which this process asked Prefect for a run at once, by what came of it.",
            labels=["outcome"],
        )
        dispatched.add_metric(["started"], counts.started)
        dispatched.add_metric(["left_to_the_sweep"], counts.failed)
        yield dispatched
        yield from REGISTRY.collect()


class _Collected(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _of_documents(figures: Figures) -> Iterator[Metric]:
    documents = GaugeMetricFamily(
        "navigator_documents", "Documents by the state of their newest version.", labels=["state"]
    )
    for state in JobState:
        documents.add_metric([state.value], figures.documents.get(state.value, 0))
    yield documents
    failed = GaugeMetricFamily(
        "navigator_failed_jobs", "Jobs that stand with an error.", labels=["state", "code"]
    )
    for row in figures.failures:
        failed.add_metric([row["state"], row["code"]], row["number"])
    yield failed
    queue = figures.queue
    yield _gauge("navigator_queue_jobs", "Jobs that wait for a worker.", queue["waiting"])
    yield _gauge("navigator_jobs_in_progress", "Jobs that a worker holds.", queue["held"])
    about = "Time since the job that waits longest was last touched."
    yield _gauge("navigator_queue_oldest_age_seconds", about, queue["oldest"])
    buffers = GaugeMetricFamily(
        "navigator_buffer_rows", "Rows that wait to be published.", labels=["buffer"]
    )
    for name in ("chunks", "vectors", "reservations"):
        buffers.add_metric([name], figures.buffers[name])
    yield buffers


def _of_stages(figures: Figures) -> Iterator[Metric]:
    stages = HistogramMetricFamily(
        "navigator_stage_seconds", "Time of the last pass of each job.", labels=["stage"]
    )
    for row in figures.stages:
        stages.add_metric([row["stage"]], _histogram(row), sum_value=float(row["seconds"]))
    yield stages


def _of_services(
    figures: Figures, calls: Mapping[tuple[str, str, str], Mapping[str, float]]
) -> Iterator[Metric]:
    called = HistogramMetricFamily(
        "navigator_service_call_duration_seconds", "Calls of outside services.", labels=_CALL
    )
    counters = {
        "number": CounterMetricFamily("navigator_service_calls", "Calls made.", labels=_CALL),
        "inputs": CounterMetricFamily("navigator_service_inputs", "Texts, pages.", labels=_CALL),
        "tokens": CounterMetricFamily("navigator_service_tokens", "Tokens billed.", labels=_CALL),
        "cost": CounterMetricFamily("navigator_service_cost_usd", "US dollars.", labels=_CALL),
    }
    for key, sums in calls.items():
        called.add_metric(list(key), _histogram(sums), sum_value=sums["seconds"])
        for name, counter in counters.items():
            counter.add_metric(list(key), sums[name])
    yield called
    yield from counters.values()
    circuit = GaugeMetricFamily(
        "navigator_circuit_state", "1 for the state it is in.", labels=["service", "state"]
    )
    paused = GaugeMetricFamily(
        "navigator_service_paused_seconds", "Left of a pause it asked for.", labels=["service"]
    )
    failing = GaugeMetricFamily(
        "navigator_service_failing_seconds",
        "Since its circuit opened; 0 while it answers.",
        labels=["service"],
    )
    waiting = GaugeMetricFamily(
        "navigator_service_waiting_jobs",
        "Jobs that go on when the service answers again.",
        labels=["service"],
    )
    for row in figures.circuits:
        failing.add_metric([row["provider"]], float(row["failing"] or 0))
        waiting.add_metric([row["provider"]], figures.waiting.get(row["provider"], 0))
        paused.add_metric([row["provider"]], float(row["paused"] or 0))
        for state in _CIRCUITS:
            circuit.add_metric([row["provider"], state], float(row["circuit"] == state))
    yield circuit
    yield paused
    yield failing
    yield waiting
    yield _webhooks(figures)


def _of_maintenance(looked: MaintenanceRun | None) -> Iterator[Metric]:
    about = "Findings of the last look at everything, by what became of them."
    found = GaugeMetricFamily("navigator_maintenance_findings", about, labels=["kind", "outcome"])
    for kind in Kind:
        tally = looked.tallies.get(kind, Tally()) if looked else Tally()
        left = tally.found - tally.mended - tally.person
        for outcome, number in (("mended", tally.mended), ("person", tally.person), ("left", left)):
            found.add_metric([kind.value, outcome], number)
    yield found
    last = looked.finished_at.timestamp() if looked else 0
    yield _gauge("navigator_maintenance_last_run_timestamp_seconds", "When it ended.", last)


def _of_recall(recalled: Sequence[Recall]) -> Iterator[Metric]:
    about = "Of the ten nearest passages, the share that the vector index finds, as measured daily."
    family = GaugeMetricFamily("navigator_vector_recall", about, labels=["space", "of"])
    for each in recalled:
        family.add_metric([str(each.space_id), "mean"], each.recall)
        family.add_metric([str(each.space_id), "worst"], each.worst)
    yield family


def _webhooks(figures: Figures) -> Metric:
    family = CounterMetricFamily(
        "navigator_webhook_events", "Events kept, each once.", labels=["type", "outcome"]
    )
    numbers: dict[tuple[str, str], int] = {}
    for row in figures.webhooks:
        # The sender names its events; only those that we know become a label.
        kind = row["event_type"] if row["event_type"] in ENDS else "other"
        key = (kind, row["outcome"])
        numbers[key] = numbers.get(key, 0) + row["number"]
    for (kind, outcome), number in numbers.items():
        family.add_metric([kind, outcome], number)
    return family


def _gauge(name: str, about: str, value: Any) -> Metric:
    return GaugeMetricFamily(name, about, value=float(value))


def _histogram(sums: Mapping[Any, Any]) -> list[tuple[str, float]]:
    bounds = [(str(bound), float(sums[f"b{index}"])) for index, bound in enumerate(LATENCY_SECONDS)]
    return [*bounds, ("+Inf", float(sums["number"]))]
