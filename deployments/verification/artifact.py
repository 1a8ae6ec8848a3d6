"""Leaves a verification as an artifact on the environment's Prefect server."""

from __future__ import annotations

from deployments.prefect_answers import prefect_answers
from deployments.verification.findings import Verification
from deployments.verification.rendering import as_markdown
from pipeline.errors import ServiceUnavailable
from pipeline.logs import logger

KEY = "verification"
_LOG = logger("navigator.deployments")


async def leave_artifact(found: Verification) -> None:
    """Create the artifact, on the surrounding run if there is one.

    A server that is away is said in the log: it was a finding before.
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import ArtifactCreate
    from prefect.utilities.context import get_task_and_flow_run_ids

    task_run, flow_run = get_task_and_flow_run_ids()
    # Prefect's own function warns, outside of a run, that it is going to refuse that.
    artifact = ArtifactCreate(
        key=KEY,
        type="markdown",
        data=as_markdown(found),
        description=found.summary,
        task_run_id=task_run,
        flow_run_id=flow_run,
    )
    try:
        with prefect_answers():
            async with get_client() as client:
                await client.create_artifact(artifact)
    except ServiceUnavailable as error:
        _LOG.warning("verification_artifact_missing", reason=error.message)
