"""Finds deployments that differ from what is declared, and sets them back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence

from prefect.client.orchestration import PrefectClient, get_client

from deployments.drift.declared import DeclaredDeployments, declared_here, flow_name
from deployments.drift.deploying import deploy
from deployments.drift.deployment_fields import (
    BY_HAND,
    PAUSES,
    Field,
    FieldDifference,
    differences,
)
from deployments.drift.deployment_repair import set_back
from deployments.drift.prefect_server import Found, deployments_of, read_pool
from deployments.prefect_answers import prefect_answers
from pipeline.finding_kinds import Kind
from pipeline.findings import Finding
from stages.reconciling.inspection import Inspection

Differing = Mapping[str, Sequence[FieldDifference]]


async def deployments(look: Inspection) -> AsyncIterator[Finding]:
    """Find deployments that are not as declared, and set them back.

    What a person paused is told and left as it is; times and parameters, which a person may have
    set by hand, are set back only when a person says so.
    """
    declared = declared_here()
    if not declared.deployments:
        return
    with prefect_answers():
        async with get_client() as client:
            found = await _by_name(client, declared)
            if not found and await read_pool(client, _pool(declared)) is None:
                return  # another server, which only shows a person's runs
            differing = _differing(declared, found)
            wrong = dict(_wrong(declared, found, differing))
            paused = {name for name, each in differing.items() if _is_paused(each)}
            again = [
                name
                for name, (kind, _) in wrong.items()
                if name not in paused and _mends(look, kind)
            ]
            for name in set(again) & found.keys():
                await set_back(client, declared, found[name], _to_set(look, differing[name]))
    if missing := [name for name in again if name not in found]:
        await deploy(declared, missing)
    for name, (kind, told) in wrong.items():
        person = True if name in paused else None
        yield look.finding(
            kind, f"deployment {name}", detail=told, mended=name in again, person=person
        )
    for name in sorted(paused):
        yield look.finding(Kind.DEPLOYMENT_PAUSED, f"deployment {name}")


def _differing(declared: DeclaredDeployments, found: Mapping[str, Found]) -> Differing:
    """What differs and is not accepted by the environment's file, by the deployment's name."""
    return {
        name: [
            field
            for field in differences(each, found[name], declared.pull)
            if not declared.accepts(name, field.name)
        ]
        for each in declared.deployments
        if (name := each["name"]) in found
    }


def _wrong(
    declared: DeclaredDeployments, found: Mapping[str, Found], differing: Differing
) -> Iterator[tuple[str, tuple[Kind, str]]]:
    """What is wrong with each deployment that is not as declared: the kind, and a few words."""
    for each in declared.deployments:
        name = each["name"]
        if name not in found:
            if not declared.accepts(name):
                yield name, (Kind.DEPLOYMENT_MISSING, "")
        elif told := _named(differing[name], set(Field) - BY_HAND - PAUSES):
            yield name, (Kind.DEPLOYMENT_DIFFERS, told)
        elif told := _named(differing[name], BY_HAND):
            yield name, (Kind.DEPLOYMENT_CHANGED, told)


def _named(fields: Sequence[FieldDifference], among: Collection[Field]) -> str:
    return ", ".join(each.name for each in fields if each.field in among)


def _is_paused(fields: Sequence[FieldDifference]) -> bool:
    """Whether a person stopped it; not what was started though it is declared to be paused."""
    return any(each.field in PAUSES for each in fields)


def _mends(look: Inspection, kind: Kind) -> bool:
    by_hand = kind is Kind.DEPLOYMENT_CHANGED
    return look.fix and look.by_person if by_hand else look.mends(kind)


def _to_set(look: Inspection, fields: Sequence[FieldDifference]) -> list[FieldDifference]:
    """What only a deployment sets; all of it when a person says so."""
    return [each for each in fields if look.by_person or each.field not in BY_HAND]


async def is_deployed_to(client: PrefectClient, declared: DeclaredDeployments) -> bool:
    """Whether this server is one that was deployed to: another only shows a person's runs."""
    if await _by_name(client, declared):
        return True
    return await read_pool(client, _pool(declared)) is not None


def _pool(declared: DeclaredDeployments) -> str:
    return str(declared.deployments[0]["work_pool"]["name"])


async def _by_name(client: PrefectClient, declared: DeclaredDeployments) -> dict[str, Found]:
    wanted = {each["name"] for each in declared.deployments}
    flows = sorted({flow_name(each) for each in declared.deployments})
    found = await deployments_of(client, flows)
    return {each["name"]: each for each in found if each["name"] in wanted}
