"""Looks for drift on a schedule: the environment against what its file and our code declare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prefect import flow, task
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed

from deployments.drift.difference import Difference
from deployments.drift.finding import find_drift
from deployments.drift.repairing import repair_drift
from deployments.drift.summary import as_markdown, in_short, in_words
from deployments.environment_files import own_environment
from flows.alerting import tell_it_passed, tell_news
from flows.artifact_writes import shown
from flows.redacted_errors import redact_errors, redacting_errors
from flows.results import UNCACHED, UNKEPT
from flows.retries import RETRYING
from flows.shared_services import opened, run_of_flow, services, tagged
from pipeline.run_options import RunOptions


@task(task_run_name="compare and set back", **UNCACHED, **RETRYING)
@redacting_errors
async def compare(*, fix: bool) -> Sequence[Difference]:
    """Compare this worker's environment with what is declared, and set back what is safe."""
    environment, settings = own_environment(), services().settings
    found = await find_drift(environment, settings)
    return await repair_drift(environment, settings, found) if fix else found


def _run_name() -> str:
    return "drift, set back" if flow_run.parameters.get("fix") else "drift"


@flow(name="drift", flow_run_name=_run_name, timeout_seconds=1800, **UNKEPT)
async def drift(fix: bool = False) -> State[Any]:
    """Compare the environment with what it declares: Prefect, database, running processes.

    Every difference is shown as an artifact, with what it means and who could have made it; what
    is left is told to the saved alert block.

    Args:
        fix: set back what is safe; without it, only look.
    """
    async with redact_errors(), tagged("drift"), opened(RunOptions()) as parts:
        name = own_environment().name
        found = await compare(fix=fix)
        said = in_short(name, found)
        get_run_logger().info("%s", said)
        artifact = acreate_markdown_artifact(
            as_markdown(name, found), key="drift", description=said
        )
        await shown(artifact)
        left = any(each.is_left for each in found)
        if left:
            evidence = {"differences": len(found), "run": str(run_of_flow())}
            await tell_news(parts, "drift-found", name, in_words(name, found), evidence)
        else:
            await tell_it_passed(parts, "drift-found")
        return Completed(name="Drift" if left else None, message=said)
