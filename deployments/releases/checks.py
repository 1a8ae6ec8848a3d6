"""Tries what a deployment needs, before anything is changed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from uuid import uuid4

import httpx

from deployments.environment import Environment
from deployments.releases.archive import Packed
from deployments.releases.deploying import Check, Deployer
from deployments.secret_blocks import password_header
from pipeline.errors import ConfigurationError, ServiceUnavailable
from pipeline.store.structure import Structure, differences, read_structure

_SECONDS = 10.0
_EMBEDDER_SECONDS = 60.0


def checks_before() -> Sequence[Check]:
    """Everything that is tried, in this order; each raises a NavigatorError, or finds nothing."""
    return (_prefect_answers, _extensions_are_as_recorded, _storage_takes, _embedder_answers)


async def _prefect_answers(deployer: Deployer, packed: Packed) -> None:
    environment = deployer.environment
    variables = deployer.variables(environment)
    url = environment.prefect.api_url.rstrip("/")
    headers = password_header(variables.get("PREFECT_API_AUTH_STRING"))
    try:
        async with httpx.AsyncClient(timeout=_SECONDS, headers=headers) as client:
            answer = await client.get(f"{url}/work_pools/{environment.pool.name}")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ServiceUnavailable(
            f"Prefect's server of {environment.name} does not answer ({type(error).__name__}).",
            remedy="Start it, or correct prefect.api_url of the environment.",
        ) from None
    _require_pool(environment, answer)


def _require_pool(environment: Environment, answer: httpx.Response) -> None:
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        raise ConfigurationError(
            f"Prefect's server of {environment.name} refuses the password.",
            remedy="Correct prefect_auth under secrets of the environment.",
        )
    found = answer.json().get("type") if answer.is_success else None
    if found not in (None, environment.pool.type):
        raise ConfigurationError(
            f"The work pool {environment.pool.name} of {environment.name} is of the type {found}, "
            f"not {environment.pool.type}.",
            remedy="Correct pool.type of the environment, or make another pool.",
        )


async def _extensions_are_as_recorded(deployer: Deployer, packed: Packed) -> None:
    assert packed.baseline is not None
    recorded = Structure.from_json(json.loads(packed.baseline)["structure"])
    found = await read_structure(deployer.database)
    for each in differences(recorded, found):
        if each.kind == "extension":
            raise ConfigurationError(
                f"The extension {each.name} has the version {each.found or 'none'} in "
                f"{deployer.name}; the baseline has {each.expected}.",
                remedy=f"Bring it there with ALTER EXTENSION {each.name} UPDATE, or record the "
                "baseline on the version that this environment has.",
            )


async def _storage_takes(deployer: Deployer, packed: Packed) -> None:
    key, data = f"releases/.trial-{uuid4().hex}", b"trial"
    await deployer.storage.put(key, data)
    try:
        if bytes(await deployer.storage.get(key)) != data:
            raise ConfigurationError("The storage gives back other bytes than were stored.")
    finally:
        await deployer.storage.delete([key])


async def _embedder_answers(deployer: Deployer, packed: Packed) -> None:
    """One text is embedded, and stands in the ledger as a trial."""
    from stages.query_embedding import TRIAL, embedded
    from stages.services import open_embedder

    async with AsyncExitStack() as stack:
        embedder = await open_embedder(deployer.settings)
        stack.push_async_callback(embedder.close)
        try:
            async with asyncio.timeout(_EMBEDDER_SECONDS):
                text = "Does this insurance cover a burst pipe?"
                await embedded(text, deployer.database, embedder, operation=TRIAL)
        except TimeoutError:
            raise ServiceUnavailable(
                f"The embedder of {deployer.name} has not answered in {_EMBEDDER_SECONDS:.0f} s.",
                remedy="See that its address can be reached from here.",
            ) from None
