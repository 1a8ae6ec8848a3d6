"""Verifies the worker's own environment against a recorded baseline, with a form in Prefect."""

from __future__ import annotations

import os
from typing import Annotated, Any

from prefect import flow, task
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from pydantic import Field

from deployments.environment_files import load_environment, own_environment
from deployments.environment_variables import ENVIRONMENT
from deployments.verification.baseline import kept_baseline, read_baseline
from deployments.verification.findings import Outcome, Verification
from deployments.verification.verifying import verify as verify_environment
from flows.alerting import tell_it_passed, tell_news
from flows.redacted_errors import redact_errors, redacting_errors
from flows.results import UNCACHED, UNKEPT
from flows.shared_services import opened, run_of_flow, services, tagged
from pipeline.errors import VerificationFailed
from pipeline.run_options import RunOptions

BaselineName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


@task(task_run_name="look at everything", **UNCACHED)
@redacting_errors
async def look_at_everything(baseline: str, release: str | None) -> Verification:
    """Hold the environment of this process against the baseline."""
    parts = services()
    environment = load_environment(os.environ.get(ENVIRONMENT) or "local")
    wanted = read_baseline(kept_baseline(parts.settings.home, baseline))
    told = get_run_logger().info
    return await verify_environment(
        environment, parts.settings, wanted, release=release, told=lambda what: told("%s", what)
    )


def _run_name() -> str:
    return f"verify against {flow_run.parameters.get('baseline', 'local')}"


@flow(name="verify", flow_run_name=_run_name, timeout_seconds=1800, **UNKEPT)
async def verify(baseline: BaselineName = "local", release: str | None = None) -> State[Any]:
    """Hold the environment of the worker against a baseline, and tell what differs.

    Canary documents of a user of their own go through this environment's pool, and are erased.

    Args:
        baseline: its name: NAME.json in the folder `baselines` of the worker's home.
        release: whose workers have to do the work; any when empty.
    """
    async with redact_errors(), tagged("verify"), opened(RunOptions()) as parts:
        found = await look_at_everything(baseline, release)
        get_run_logger().info("%s", found.summary)
        environment = own_environment().name
        if found.verified:
            await tell_it_passed(parts, "not-verified", environment)
            name = "Times unclear" if found.outcome is Outcome.INCONCLUSIVE else None
            return Completed(name=name, message=found.summary)
        wrong = "; ".join(f"{each.part} {each.name}" for each in found.wrong[:5])
        evidence = {"wrong": len(found.wrong), "run": str(run_of_flow())}
        await tell_news(parts, "not-verified", environment, f"{wrong}.", evidence)
        reason = VerificationFailed(found.summary)
        return Failed(name="Not verified", message=f"{found.summary} {wrong}.", data=reason)
