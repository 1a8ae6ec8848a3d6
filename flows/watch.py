"""Watches on a schedule: reads figures off, and tells what is unusual or will be full.

A run that finds nothing leaves no noise: the runs before it that found nothing either are removed,
so that one of them at most stands between the runs that people look for.
"""

from __future__ import annotations

from typing import Any

from prefect import flow, task
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.states import Completed

from flows.artifact_writes import shown
from flows.quiet_runs import remove_quiet_runs
from flows.redacted_errors import redact_errors, redacting_errors
from flows.results import UNCACHED, UNKEPT
from flows.retries import RETRYING
from flows.shared_services import opened, services, tagged
from pipeline.foresight.outlook import Outlook
from pipeline.run_options import RunOptions
from stages.watching.handing_over import hand_over
from stages.watching.looking import look
from stages.watching.presenting import as_markdown, in_short

ALL_WELL = "All well"
UNUSUAL = "Unusual"


@task(task_run_name="look", **UNCACHED, **RETRYING)
@redacting_errors
async def look_around() -> Outlook:
    """Read the figures of this moment off, and judge all that is known."""
    return await look(services())


@flow(name="watch", flow_run_name="watch", timeout_seconds=300, **UNKEPT)
async def watch() -> State[Any]:
    """Keep figures that are otherwise forgotten, and tell what is unusual or will be full.

    Latency, success, cost, queue, throughput, quality, search and room are judged by the weeks
    before. What is found is shown as an artifact and handed to the alerts, with evidence, likely
    cause and the runbook's entry.
    """
    async with redact_errors(), tagged("watch"), opened(RunOptions()) as parts:
        found = await look_around()
        said = in_short(found)
        get_run_logger().info("%s", said)
        await hand_over(parts, found.alerts)
        if not found.alerts:
            await shown(remove_quiet_runs("watch", ALL_WELL))
            return Completed(name=ALL_WELL, message=said)
        await _show(found)
        return Completed(name=UNUSUAL, message=said)


async def _show(found: Outlook) -> None:
    said = in_short(found)
    await shown(acreate_markdown_artifact(as_markdown(found), key="watch", description=said))
