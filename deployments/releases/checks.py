"""Tries what a deployment needs, before anything is changed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import AsyncExitStack

from clients.storage.trial import try_storage
from deployments.environment import Environment
from deployments.prefect_api import path_of, prefect_api
from deployments.releases.archive import Packed
from deployments.releases.deploying import Check, Deployer
from deployments.work_pool import require_type
from pipeline.errors import ConfigurationError, ServiceUnavailable
from pipeline.store.structure import Structure, differences, read_structure

_EMBEDDER_SECONDS = 60.0


def checks_before() -> Sequence[Check]:
    """Everything that is tried, in this order; each raises a NavigatorError, or finds nothing."""
    return (_prefect_answers, _extensions_are_as_recorded, _storage_takes, _embedder_answers)


async def _prefect_answers(deployer: Deployer, packed: Packed) -> None:
    environment = deployer.environment
    auth = deployer.variables(environment).get("PREFECT_API_AUTH_STRING")
    pool = await asyncio.to_thread(_pool, environment, auth)
    if pool is not None:
        require_type(environment.pool, pool["type"])


def _pool(environment: Environment, auth: str | None) -> dict[str, str] | None:
    with prefect_api(environment.prefect.api_url, auth) as server:
        found: dict[str, str] | None = server.read(path_of("work_pools", environment.pool.name))
        return found


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
    await try_storage(deployer.storage, "releases/.trial-")


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
