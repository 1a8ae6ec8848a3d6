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
    """Create the artifact, on the surrounding run if there is one; a server that is away is said
    in the log, and was a finding before."""
    from prefect.artifacts import acreate_markdown_artifact

    try:
        with prefect_answers():
            await acreate_markdown_artifact(as_markdown(found), key=KEY, description=found.summary)
    except ServiceUnavailable as error:
        _LOG.warning("verification_artifact_missing", reason=error.message)
