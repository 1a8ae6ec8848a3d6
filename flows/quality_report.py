"""Renders the quality report that an auditor opens, per run or over time."""

from __future__ import annotations

from uuid import UUID

from prefect import flow, task
from prefect.artifacts import acreate_link_artifact, acreate_markdown_artifact
from prefect.logging import get_run_logger
from prefect.runtime import flow_run

from flows.artifact_writes import shown
from flows.report_making import write_report
from flows.results import UNCACHED, UNKEPT
from flows.retries import RETRYING
from flows.shared_services import opened, services, tagged
from flows.time_limits import LAST_LIMIT_SECONDS, TimeLimit, time_limit
from pipeline.identity import user_id
from pipeline.run_options import RunOptions
from pipeline.store.connection_retries import retry_on_restart
from stages.report_links import report_link


@task(
    task_run_name="write report",
    **UNCACHED,
    **RETRYING,
)
@retry_on_restart
async def write_quality_report(run_id: UUID | None, user: UUID | None, days: int) -> str:
    """Make the report, sign it, and leave a link to it with the run; its page's path."""
    parts = services()
    made, path = await write_report(
        parts.database, parts.settings, run_id=run_id, user_id=user, days=days
    )
    number, report = made.seal.number, made.seal.id
    if link := report_link(parts.settings, report):
        await shown(
            acreate_link_artifact(
                link,
                link_text=f"Quality report {number}",
                key="quality-report",
                description=f"Quality report {number}, as it was signed. The link needs no token "
                f"and is good for a while; later, a token opens `/api/v1/reports/{report}`.",
            )
        )
    else:
        await shown(
            acreate_markdown_artifact(
                f"Quality report {number} is kept, and `/api/v1/reports/{report}` of the API "
                f"serves it. Say with NAVIGATOR_PUBLIC_URL where that is, and here is a link. On "
                f"the machine that made it, the page is `{path}`.",
                key="quality-report",
                description=f"Quality report {number}, without a link: the API is not known here.",
            )
        )
    get_run_logger().info("quality report %d: %s", number, path)
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
