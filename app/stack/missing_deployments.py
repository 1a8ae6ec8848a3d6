"""Finds what of the environment's deployments is missing on a Prefect server.

What a person set there on purpose stays: parameters, paused schedules, other times.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from app.prefect.access import basic_header, own_auth_string
from deployments.drift.declared import DeclaredDeployments, declared_here, flow_name
from deployments.drift.deployment_fields import BY_HAND, PAUSES, differences
from pipeline.errors import ConfigurationError

_ANSWER_SECONDS = 10.0
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
        ask = _Asking(f"{address}/api", basic_header(own_auth_string(folder)))
        missing = list(_missing(ask))
    except (OSError, HTTPException, ValueError, ConfigurationError):
        return ""
    more = f", and {len(missing) - _TOLD} more" if len(missing) > _TOLD else ""
    return "; ".join(missing[:_TOLD]) + more


@dataclass(frozen=True, slots=True)
class _Asking:
    url: str
    headers: Mapping[str, str]

    def get(self, path: str) -> dict[str, Any] | None:
        """What the server has there; None when it has nothing.

        Raises:
            OSError: it does not answer as it should.
        """
        request = Request(f"{self.url}/{path}", headers=dict(self.headers))  # noqa: S310
        try:
            with urlopen(request, timeout=_ANSWER_SECONDS) as answer:  # noqa: S310
                found: dict[str, Any] = json.load(answer)
                return found
        except HTTPError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return None
            raise


def _missing(ask: _Asking) -> Iterator[str]:
    wanted = wanted_deployments()
    pools = [each["work_pool"] for each in wanted.deployments]
    for pool, queue in sorted({(each["name"], each["work_queue_name"]) for each in pools}):
        if ask.get(f"work_pools/{quote(pool)}/queues/{quote(queue)}") is None:
            yield f"there is no queue {queue} of the work pool {pool}"
    for each in wanted.deployments:
        found = ask.get(f"deployments/name/{quote(flow_name(each))}/{quote(each['name'])}")
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
