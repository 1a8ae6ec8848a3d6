"""Tasks that read sources, for the flows `ingest` and `sync-source`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from uuid import UUID

from prefect import task
from prefect.logging import get_run_logger

from flows.redacted_errors import redacting_errors
from flows.results import UNCACHED
from flows.retries import RETRYING
from flows.shared_services import services
from pipeline.source_definition import SourceDefinition
from pipeline.store.connection_retries import retry_on_restart
from stages.sources import leaving
from stages.sources.leaving import Gone
from stages.sources.opening import opened_source
from stages.sources.survey import survey
from stages.sources.taking import Reading, take_in

WORDS = {
    "listed": "listed",
    "unchanged": "unchanged",
    "read": "read",
    "new": "new",
    "changed": "changed",
    "waiting": "waiting",
    "failed_before": "failed before",
    "moved": "moved",
    "revoked": "taken from who may not have them any more",
    "nobodys": "nobody's",
    "left_out": "left out",
    "rejected": "rejected",
    "vanished": "changed or vanished while they were read",
    "deleted": "deleted",
    "kept": "kept although gone",
}


@task(task_run_name="read source", **UNCACHED, **RETRYING)
@redacting_errors
@retry_on_restart
async def read_source(
    definition: SourceDefinition, run_id: UUID, registered: Callable[[int], Awaitable[None]]
) -> tuple[Gone, Counter[str]]:
    """Register what is new or changed in a source; what is gone, and counts for a person."""
    parts = services()
    async with opened_source(definition) as source:
        reading = Reading(parts, definition, source, run_id)
        found = await survey(parts, definition, source)
        gone = Gone()
        if definition.sync:
            gone = await leaving.find_gone(parts, definition, source, found)
        found.counts["revoked"] = await leaving.revoke(reading, found)
        counts = found.counts + await take_in(reading, found, gone, registered)
    get_run_logger().info("source: %s", said(counts))
    return gone, counts


@task(task_run_name="delete what is gone", **UNCACHED, **RETRYING)
@redacting_errors
async def delete_gone_objects(
    definition: SourceDefinition, run_id: UUID, gone: Gone, counts: Counter[str], *, well: bool
) -> None:
    """Delete the documents whose objects are gone, or keep them when the run did not end well."""
    if not gone.objects:
        return
    async with opened_source(definition) as source:
        reading = Reading(services(), definition, source, run_id)
        counts["deleted"], counts["kept"] = await leaving.finish(reading, gone, well=well)
    get_run_logger().info("source: %s", said(Counter(counts)))


def said(counts: Counter[str]) -> str:
    """Counts in words."""
    parts = [f"{counts[name]} {word}" for name, word in WORDS.items() if counts[name]]
    return ", ".join(parts) or "nothing listed"
