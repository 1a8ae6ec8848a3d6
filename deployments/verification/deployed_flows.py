"""Reads the environment's deployments from its Prefect server, as far as they are the same
everywhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from deployments.environment import Environment
from deployments.verification.baseline import Deployment
from pipeline.identity import sha256_hex

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.responses import DeploymentResponse


async def deployed_flows(client: PrefectClient, environment: Environment) -> dict[str, Deployment]:
    """The deployments that the environment declares and its server has, by name."""
    from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName

    wanted = DeploymentFilter(name=DeploymentFilterName(any_=list(environment.deployments)))
    found = await client.read_deployments(deployment_filter=wanted, limit=200)
    return {each.name: _facts(each) for each in sorted(found, key=lambda each: each.name)}


def _facts(found: DeploymentResponse) -> Deployment:
    form = json.dumps(found.parameter_openapi_schema or {}, sort_keys=True, default=str)
    return Deployment(
        entrypoint=found.entrypoint, parameters=found.parameters or {}, form=sha256_hex(form)
    )
