"""Finds deployments that differ from prefect.yaml, and deploys them again."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.settings import get_current_settings

from flows.reconciling.client_errors import prefect_answers
from flows.reconciling.declared_deployments import (
    Declared,
    changes,
    declared_deployments,
    differences,
    is_paused,
)
from pipeline.child_processes import ROOT, child_environment, module_command
from pipeline.errors import ServiceUnavailable
from pipeline.finding_kinds import Kind
from pipeline.findings import Finding
from pipeline.installation import prefect_file
from stages.reconciling.inspection import Inspection

DEPLOY_SECONDS = 180.0


async def deployments(look: Inspection) -> AsyncIterator[Finding]:
    """Find deployments that are not as declared, and deploy them again.

    What a person paused is told and left as it is; times and parameters, which a person may have
    set by hand, are set back only when a person says so.
    """
    declared = declared_deployments()
    with prefect_answers():
        async with get_client() as client:
            if not await is_deployed_to(client, declared):
                return
            found = await _by_name(client, declared)
    wrong = dict(_wrong(declared, found))
    paused = {e.name for e in declared if e.name in found and is_paused(e, found[e.name])}
    again = [name for name, (kind, _) in wrong.items() if name not in paused and _mends(look, kind)]
    if again:
        await deploy(again)
    for name, (kind, told) in wrong.items():
        person = True if name in paused else None
        yield look.finding(
            kind, f"deployment {name}", detail=told, mended=name in again, person=person
        )
    for name in sorted(paused):
        yield look.finding(Kind.DEPLOYMENT_PAUSED, f"deployment {name}")


def _wrong(
    declared: Sequence[Declared], found: Mapping[str, DeploymentResponse]
) -> Iterator[tuple[str, tuple[Kind, str]]]:
    """What is wrong with each deployment that is not as declared: the kind, and a few words."""
    for each in declared:
        there = found.get(each.name)
        if there is None:
            yield each.name, (Kind.DEPLOYMENT_MISSING, "")
        elif told := ", ".join(differences(each, there)):
            yield each.name, (Kind.DEPLOYMENT_DIFFERS, told)
        elif told := ", ".join(changes(each, there)):
            yield each.name, (Kind.DEPLOYMENT_CHANGED, told)


def _mends(look: Inspection, kind: Kind) -> bool:
    by_hand = kind is Kind.DEPLOYMENT_CHANGED
    return look.fix and look.by_person if by_hand else look.mends(kind)


async def is_deployed_to(client: PrefectClient, declared: Sequence[Declared]) -> bool:
    """Whether this server is one that was deployed to: another only shows a person's runs."""
    try:
        await client.read_work_pool(declared[0].pool)
    except ObjectNotFound:
        return bool(await _by_name(client, declared))
    return True


async def _by_name(
    client: PrefectClient, declared: Sequence[Declared]
) -> dict[str, DeploymentResponse]:
    wanted = DeploymentFilter(name=DeploymentFilterName(any_=[each.name for each in declared]))
    found = await client.read_deployments(deployment_filter=wanted, limit=200)
    return {each.name: each for each in found}


async def deploy(names: Sequence[str]) -> None:
    """Deploy some of prefect.yaml's deployments, with their work pool.

    Raises:
        ServiceUnavailable: Prefect's own command did not.
    """
    with prefect_answers():
        async with get_client() as client:
            for pool in {each.pool for each in declared_deployments()}:
                with contextlib.suppress(ObjectAlreadyExists):
                    await client.create_work_pool(WorkPoolCreate(name=pool, type="process"))
    chosen = [option for name in names for option in ("--name", name)]
    command = module_command(
        "prefect", "--no-prompt", "deploy", "--prefect-file", str(prefect_file()), *chosen
    )
    url = get_current_settings().api.url
    environment = child_environment({**os.environ, "PREFECT_API_URL": str(url)})
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=environment, stdin=quiet, stdout=quiet, stderr=quiet
    )
    try:
        async with asyncio.timeout(DEPLOY_SECONDS):
            code = await process.wait()
    except TimeoutError:
        process.kill()
        code = await process.wait()
    if code:
        raise ServiceUnavailable(f"`prefect deploy` failed for {', '.join(names)} (exit {code}).")
