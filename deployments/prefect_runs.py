"""Reads flow runs from a Prefect server, however many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import FlowRun
    from prefect.client.schemas.sorting import FlowRunSort

_PAGE = 200


async def every_flow_run(client: PrefectClient, sort: FlowRunSort, **filters: Any) -> list[FlowRun]:
    """All flow runs that fit, page by page.

    Args:
        filters: of `PrefectClient.read_flow_runs`.
    """
    found: list[FlowRun] = []
    while True:
        page = await client.read_flow_runs(**filters, sort=sort, limit=_PAGE, offset=len(found))
        found += page
        if len(page) < _PAGE:
            return found
