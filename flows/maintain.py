"""Maintains on a schedule: looks for damage, repairs what is safe, alerts a person to the rest."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from prefect import flow, task
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed

from flows.alerting import tell_it_passed, tell_news
from flows.cancellation import was_cancelled
from flows.reconciling.deployments import deployments
from flows.reconciling.flow_runs import abandoned_flow_runs
from flows.reconciling.source_deployments import deployments_of_sources
from flows.redacted_errors import redact_errors, redacting_errors
from flows.results import UNCACHED, UNKEPT
from flows.retries import RETRYING
from flows.shared_services import opened, run_of_flow, services, tagged
from pipeline.run_options import RunOptions
from stages.reconciling.checks import CHECKS
from stages.reconciling.inspection import Check, Inspection
from stages.reconciling.maintenance_run import MaintenanceOutcome, run_maintenance
from stages.reconciling.new_findings import in_words
from stages.reconciling.summary import as_markdown, in_short
from stages.retention import RetentionOutcome, apply_retention

PREFECT_CHECKS: dict[str, Check] = {
    "deployments": deployments,
    "deployments of sources": deployments_of_sources,
    "flow runs that nobody runs": abandoned_flow_runs,
}
ALL_CHECKS = {**CHECKS, **PREFECT_CHECKS}


@task(task_run_name="look and mend", **UNCACHED, **RETRYING)
@redacting_errors
async def look_and_mend(run_id: UUID, *, fix: bool) -> MaintenanceOutcome:
    """Make every check, mend what is safe, and keep what came of it."""
    look = Inspection(services(), fix=fix, was_cancelled=was_cancelled)
    return await run_maintenance(look, ALL_CHECKS, run_id)


@task(task_run_name="delete what is past its retention", **UNCACHED, **RETRYING)
@redacting_errors
async def delete_past_retention() -> RetentionOutcome:
    """Delete the documents that no retention rule keeps any longer."""
    return await apply_retention(services())


def _run_name() -> str:
    return "maintain" if flow_run.parameters.get("fix", True) else "maintain, dry"


# It holds no document, so Prefect's own limit, which ends a run roughly, is good enough.
@flow(name="maintain", flow_run_name=_run_name, timeout_seconds=6 * 3600, **UNKEPT)
async def maintain(fix: bool = True) -> State[Any]:
    """Compare storage, database, ledger and Prefect with each other, and mend what is safe.

    Nothing that was paid for is removed, and nothing that somebody may be writing. What was found
    and mended is kept in the database and shown as an artifact; what newly needs a person is told
    to the saved alert block.

    Args:
        fix: mend what is safe; without it, only look.
    """
    async with redact_errors(), tagged("maintain"), opened(RunOptions()) as parts:
        run = run_of_flow()
        looked = await look_and_mend(run, fix=fix)
        said = in_short(looked.run)
        get_run_logger().info("%s", said)
        await acreate_markdown_artifact(
            as_markdown(looked.run), key="maintenance", description=said
        )
        if fix and (gone := (await delete_past_retention()).words):
            get_run_logger().info("%s", gone)
        if looked.fresh:
            about = ",".join(sorted(each.value for each in looked.fresh))
            told = in_words(looked.fresh)
            await tell_news(parts, "person-needed", about, told, {"run": str(run)})
        elif not looked.run.person:
            await tell_it_passed(parts, "person-needed")
        name = "Needs a person" if looked.run.person else None
        return Completed(name=name, message=said)
