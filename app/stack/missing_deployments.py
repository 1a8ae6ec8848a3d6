"""Finds what of the environment's deployments is missing on a Prefect server.

What a person set there on purpose stays: parameters, paused schedules, other times.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from app.prefect.access import own_auth_string
from deployments.drift.declared import DeclaredDeployments, declared_here, flow_name
from deployments.drift.deployment_fields import BY_HAND, PAUSES, differences
from deployments.prefect_api import PrefectApi, path_of, prefect_api
from pipeline.errors import ConfigurationError, ServiceUnavailable

_TOLD = 2


@cache
def wanted_deployments() -> DeclaredDeployments:
    """Everything that is to be deployed."""
    return declared_here()


def missing_deployments(address: str, folder: Path) -> str:
    """What has to be deployed again, in words; empty when nothing has, or nobody can say.

    Args:
        address: of our server.
        folder: with its password.
    """
    try:
        with prefect_api(f"{address}/api", own_auth_string(folder)) as server:
            missing = list(_missing(server))
    except (ServiceUnavailable, ConfigurationError):
        return ""
    more = f", and {len(missing) - _TOLD} more" if len(missing) > _TOLD else ""
    return "; ".join(missing[:_TOLD]) + more


def _missing(server: PrefectApi) -> Iterator[str]:
    wanted = wanted_deployments()
    pools = [each["work_pool"] for each in wanted.deployments]
    for pool, queue in sorted({(each["name"], each["work_queue_name"]) for each in pools}):
        if server.read(path_of("work_pools", pool, "queues", queue)) is None:
            yield f"there is no queue {queue} of the work pool {pool}"
    for each in wanted.deployments:
        found = server.read(path_of("deployments", "name", flow_name(each), each["name"]))
        if found is None and not wanted.accepts(each["name"]):
            yield f"there is no deployment {each['name']}"
        elif found is not None and _differs(each, found, wanted):
            yield f"the deployment {each['name']} is another"


def _differs(
    declared: Mapping[str, Any], found: Mapping[str, Any], wanted: DeclaredDeployments
) -> bool:
    fields = {
        each.field
        for each in differences(declared, found, wanted.pull)
        if not wanted.accepts(declared["name"], each.name)
    }
    return bool(fields - BY_HAND - PAUSES)
