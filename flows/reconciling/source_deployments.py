"""Finds sources whose deployment is missing or differs, and makes it again from the row."""

from __future__ import annotations

from collections.abc import AsyncIterator

from prefect.client.orchestration import get_client

from deployments import source_deployments
from deployments.drift.declared import declared_here
from deployments.prefect_answers import prefect_answers
from flows.reconciling.deployments import is_deployed_to
from pipeline.finding_kinds import Kind
from pipeline.findings import Finding
from pipeline.store import sources
from stages.reconciling.inspection import Inspection


async def deployments_of_sources(look: Inspection) -> AsyncIterator[Finding]:
    """Find deployments of sources that are not as the sources say, and set them right.

    A person pauses a source by `navigator source pause`, not in Prefect: the row is the truth.
    """
    async with look.services.database.service() as connection:
        added = await sources.all_sources(connection)
    with prefect_answers():
        async with get_client() as client:
            declared = declared_here()
            if not declared.deployments or not await is_deployed_to(client, declared):
                return
            there = await source_deployments.deployed(client)
        wrong = {each.name: each for each in source_deployments.wrong(added, there)}
        left = sorted(there.keys() - {each.name for each in added})
        mends = look.mends(Kind.DEPLOYMENT_DIFFERS) and look.mends(Kind.DEPLOYMENT_MISSING)
        if mends and (wrong or left):
            await source_deployments.reconcile(added)
    for name in wrong:
        kind = Kind.DEPLOYMENT_DIFFERS if name in there else Kind.DEPLOYMENT_MISSING
        yield look.finding(kind, f"deployment {name} of a source", mended=mends)
    for name in left:
        detail = "its source was removed"
        yield look.finding(
            Kind.DEPLOYMENT_DIFFERS, f"deployment {name} of a source", detail=detail, mended=mends
        )
