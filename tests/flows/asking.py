"""Flows that say whether a person called them, run in every way there is; the answers as JSON."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any
from uuid import uuid4

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.flow_engine import run_flow_async

from flows.origin import is_called_by_a_person, served


@flow
async def asking() -> bool:
    return await is_called_by_a_person()


@flow
async def around() -> bool:
    return await asking()


@flow
async def around_both() -> bool:
    return await around()


async def picked_up(what: Any) -> bool:
    """What the flow finds when it is run as a worker runs a deployment."""
    async with get_client() as client:
        flow_id = await client.create_flow(what)
        deployment = await client.create_deployment(flow_id, name=f"d-{uuid4()}")
        run = await client.create_flow_run_from_deployment(deployment)
    return bool(await run_flow_async(what, flow_run=run, return_type="result"))


async def main() -> None:
    found: dict[str, bool] = {"outside": await is_called_by_a_person()}
    for each in (asking, around, around_both):
        found[f"called {each.name}"] = await each()
        found[f"deployed {each.name}"] = await picked_up(each)
    with served():
        found["served"] = await asking()
    os.environ["PREFECT__FLOW_RUN_ID"] = str(uuid4())
    found["process of a run"] = await asking()
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
