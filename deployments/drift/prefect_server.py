"""Reads from Prefect's server what an environment declares of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prefect.client.orchestration import PrefectClient
from prefect.exceptions import ObjectNotFound

from deployments.alert_webhook import BLOCK
from deployments.drift.history import NO_HISTORY, History, read_history

_PAGE = 200
Found = Mapping[str, Any]
"""An object in the form of Prefect's API."""


@dataclass(frozen=True, slots=True)
class OnServer:
    """What the server has.

    Attributes:
        deployments: of our flows, or with our tag.
        pool: None when there is none.
        tag_limits, automations: all that there are.
        history: when objects were changed.
        has_alert_webhook: without it, automations that raise alerts are not made.
    """

    deployments: Sequence[Found]
    pool: Found | None
    queues: Sequence[Found]
    tag_limits: Sequence[Found]
    automations: Sequence[Found]
    history: History = NO_HISTORY
    has_alert_webhook: bool = False


async def read_server(client: PrefectClient, pool: str, flows: Sequence[str], tag: str) -> OnServer:
    """Everything that can differ."""
    of_flows = await deployments_of(client, flows)
    tagged = await _tagged(client, tag)
    known = {each["id"]: each for each in [*of_flows, *tagged]}
    there = await read_pool(client, pool)
    return OnServer(
        deployments=list(known.values()),
        pool=there,
        queues=[] if there is None else await _queues(client, pool),
        tag_limits=[_json(each) for each in await client.read_concurrency_limits(_PAGE, 0)],
        automations=[_json(each) for each in await client.read_automations()],
        history=await read_history(client),
        has_alert_webhook=await _is_saved(client, BLOCK, "webhook"),
    )


async def _is_saved(client: PrefectClient, name: str, block_type: str) -> bool:
    try:
        await client.read_block_document_by_name(name, block_type)
    except ObjectNotFound:
        return False
    return True


async def deployments_of(client: PrefectClient, flows: Sequence[str]) -> list[Found]:
    """Every deployment of these flows."""
    return await _deployments(client, {"flows": {"name": {"any_": list(flows)}}})


async def _tagged(client: PrefectClient, tag: str) -> list[Found]:
    return await _deployments(client, {"deployments": {"tags": {"all_": [tag]}}})


async def _deployments(client: PrefectClient, asked: Mapping[str, Any]) -> list[Found]:
    """As the server writes them: Prefect's own model looks up all time zones for each schedule."""
    body = {**asked, "limit": _PAGE}
    answer = await client.request("POST", "/deployments/filter", json=body)
    found: list[Found] = answer.json()
    return found


async def read_pool(client: PrefectClient, name: str) -> Found | None:
    """A work pool; None when there is none."""
    try:
        return _json(await client.read_work_pool(name))
    except ObjectNotFound:
        return None


async def _queues(client: PrefectClient, pool: str) -> list[Found]:
    return [_json(e) for e in await client.read_work_queues(work_pool_name=pool, limit=_PAGE)]


def _json(model: Any) -> Found:
    found: Found = model.model_dump(mode="json")
    return found
