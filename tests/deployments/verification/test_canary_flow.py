"""The canaries' flow run, on a real Prefect server."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest
from prefect import flow
from prefect.client.orchestration import get_client

from deployments.verification import canary_flow
from tests.prefect_server import PrefectServer

pytestmark = pytest.mark.slow


def test_a_run_goes_with_its_subflows(prefect_server: PrefectServer) -> None:
    """What took up the documents inside a canary is removed with the run; others stay."""
    name = uuid4().hex

    @flow(name=name)
    def inside() -> None:
        """As the batch of what was found inside."""

    @flow(name=f"{name} outer")
    def outer() -> None:
        """As the canaries' batch."""
        inside()

    async def removed(run: UUID) -> list[str]:
        async with get_client() as client:
            await canary_flow._remove(client, [run])
            names = {(await client.read_flow(each.flow_id)).name: each
                     for each in await client.read_flow_runs()}  # fmt: skip
            return [each for each in names if each.startswith(name)]

    with prefect_server.in_this_process():
        details = outer(return_state=True).state_details
        inside()
        assert details.flow_run_id is not None
        assert asyncio.run(removed(details.flow_run_id)) == [name]
