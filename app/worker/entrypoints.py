"""Loads the flows that a worker serves, by the entrypoints of their deployments."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pipeline.plugins import FLOWS

if TYPE_CHECKING:
    from prefect import Flow


@cache
def served_flows() -> dict[str, Flow[..., Any]]:
    """Our own flows; imports Prefect and all of them."""
    from flows.backfill import backfill
    from flows.build_space import build_space
    from flows.check_spaces import check_spaces
    from flows.drift import drift
    from flows.ingest import ingest
    from flows.ingest_documents import ingest_documents
    from flows.maintain import maintain
    from flows.quality_report import quality_report
    from flows.sync_source import sync_source
    from flows.verify import verify
    from flows.watch import watch

    return {
        "flows/backfill.py:backfill": backfill,
        "flows/build_space.py:build_space": build_space,
        "flows/check_spaces.py:check_spaces": check_spaces,
        "flows/drift.py:drift": drift,
        "flows/ingest.py:ingest": ingest,
        "flows/ingest_documents.py:ingest_documents": ingest_documents,
        "flows/maintain.py:maintain": maintain,
        "flows/quality_report.py:quality_report": quality_report,
        "flows/verify.py:verify": verify,
        "flows/sync_source.py:sync_source": sync_source,
        "flows/watch.py:watch": watch,
    }


def flow_of(entrypoint: str | None) -> Flow[..., Any] | None:
    """The flow of a deployment, when it can run in a worker's own process.

    Those are ours, and what an installed package names in the group ``insurance_navigator.flows``,
    as far as it is async: another one would stop everything else in the process.

    Raises:
        ConfigurationError: its package cannot be imported.
    """
    if entrypoint is None:
        return None
    if (ours := served_flows().get(entrypoint)) is not None:
        return ours
    name = FLOWS.targets().get(_as_module(entrypoint))
    if name is None:
        return None
    flow: Flow[..., Any] = FLOWS.load(name)
    return flow if flow.isasync else None


def _as_module(entrypoint: str) -> str:
    """``module:attribute`` of what a deployment may call it: by its file or by its module."""
    path, colon, attribute = entrypoint.rpartition(":")
    if not colon:
        path, _, attribute = entrypoint.rpartition(".")
    return f"{path.removesuffix('.py').replace('/', '.')}:{attribute}"
