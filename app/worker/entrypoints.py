"""Loads the flows that a worker serves, by the entrypoints of prefect.yaml."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from prefect import Flow


@cache
def served_flows() -> dict[str, Flow[..., Any]]:
    """Every flow that a deployment may name; imports Prefect and all flows."""
    from flows.backfill import backfill
    from flows.ingest import ingest
    from flows.ingest_documents import ingest_documents
    from flows.maintain import maintain
    from flows.quality_report import quality_report
    from flows.sync_source import sync_source

    return {
        "flows/backfill.py:backfill": backfill,
        "flows/ingest.py:ingest": ingest,
        "flows/ingest_documents.py:ingest_documents": ingest_documents,
        "flows/maintain.py:maintain": maintain,
        "flows/quality_report.py:quality_report": quality_report,
        "flows/sync_source.py:sync_source": sync_source,
    }


def flow_of(entrypoint: str | None) -> Flow[..., Any]:
    """The flow of a deployment.

    Raises:
        ConfigurationError: a warm worker has no such flow.
    """
    flow = served_flows().get(entrypoint or "")
    if flow is None:
        raise ConfigurationError(
            "A warm worker runs the flows it was built with, and this deployment names another.",
            remedy="Deploy again with the worker's version, or use `prefect worker start`.",
        )
    return flow
