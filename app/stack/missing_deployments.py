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
from deployments.environment_files import own_environment
from deployments.rendering import prefect_file
from pipeline.errors import ConfigurationError

_ANSWER_SECONDS = 10.0
_TOLD = 2


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment as the environment has it."""

    flow: str
    name: str
    entrypoint: str
    pool: str
    queue: str
    limit: int | None
    schedules: frozenset[str]


@cache
def wanted_deployments() -> tuple[Deployment, ...]:
    """Everything that the environment of this process deploys."""
    return tuple(_wanted(each) for each in prefect_file(own_environment())["deployments"])


def _wanted(given: Mapping[str, Any]) -> Deployment:
    flow = str(given["entrypoint"]).rpartition(":")[2].replace("_", "-")
    return Deployment(
        flow=flow,
        name=given["name"],
        entrypoint=given["entrypoint"],
        pool=given["work_pool"]["name"],
        queue=given["work_pool"]["work_queue_name"],
        limit=(given.get("concurrency_limit") or {}).get("limit"),
        schedules=frozenset(each["slug"] for each in given.get("schedules", ())),
    )


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
    for pool, queue in sorted({(each.pool, each.queue) for each in wanted}):
        if ask.get(f"work_pools/{quote(pool)}/queues/{quote(queue)}") is None:
            yield f"there is no queue {queue} of the work pool {pool}"
    for each in wanted:
        found = ask.get(f"deployments/name/{quote(each.flow)}/{quote(each.name)}")
        if found is None:
            yield f"there is no deployment {each.name}"
        elif _differs(each, found):
            yield f"the deployment {each.name} is another"


def _differs(wanted: Deployment, found: Mapping[str, Any]) -> bool:
    limit = (found.get("global_concurrency_limit") or {}).get("limit")
    schedules = {each.get("slug") for each in found.get("schedules") or ()}
    return (
        found["entrypoint"] != wanted.entrypoint
        or found["work_pool_name"] != wanted.pool
        or found["work_queue_name"] != wanted.queue
        or limit != wanted.limit
        or not wanted.schedules <= schedules
    )
