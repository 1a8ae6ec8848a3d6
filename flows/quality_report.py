"""Renders the quality report that an auditor opens, per run or over time."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from prefect import flow, task
from prefect.artifacts import acreate_link_artifact
from prefect.logging import get_run_logger
from prefect.runtime import flow_run

from flows.artifact_writes import shown
from flows.report_builder import write_report
from flows.results import UNCACHED, UNKEPT
from flows.retries import RETRYING
from flows.shared_services import opened, services, tagged
from flows.time_limits import LAST_LIMIT_SECONDS, TimeLimit, time_limit
from pipeline.identity import user_id
from pipeline.run_options import RunOptions
from pipeline.settings import Settings
from pipeline.store.connection_retries import retry_on_restart


def reports_folder(settings: Settings) -> Path:
    """Where reports are written."""
    return settings.home / "reports"


@task(
    task_run_name="write report",
    **UNCACHED,
    **RETRYING,
)
@retry_on_restart
async def write_quality_report(run_id: UUID | None, user: UUID | None, days: int) -> str:
    """Write the page and leave a link to it with the run; its path."""
    parts = services()
    path = await write_report(
        parts.database,
        reports_folder(parts.settings),
        run_id=run_id,
        user_id=user,
        days=days,
        max_tokens=parts.chunker.max_tokens,
    )
    await shown(
        acreate_link_artifact(
            path.as_uri(),
            link_text=path.name,
            key="quality-report",
            # Browsers do not follow a link from a server's page to a file: the path can be copied.
            description=f"The quality report, on the machine that wrote it: {path}",
        )
    )
    get_run_logger().info("quality report: %s", path)
    return str(path)


def _run_name() -> str:
    run = flow_run.parameters.get("run_id")
    return f"report on run {run}" if run else "report over time"


@flow(
    name="quality-report",
    flow_run_name=_run_name,
    timeout_seconds=LAST_LIMIT_SECONDS,
    **UNKEPT,
)
async def quality_report(
    run_id: UUID | None = None, user: str | None = None, days: int = 30
) -> str:
    """Write the data-quality report and return its path.

    Args:
        run_id: of this run only; over time when empty.
        user: only this user's documents; everyone's when empty.
        days: how far back a report over time goes.
    """
    owner = user_id(user) if user else None
    # Prefect is to know no name
    kept = {"run_id": run_id and str(run_id), "user": owner and str(owner), "days": days}
    about = kept if owner else None
    async with (
        tagged("report", about),
        opened(RunOptions()) as parts,
        time_limit(TimeLimit.REPORT, parts.settings),
    ):
        return await write_quality_report(run_id, owner, days)
