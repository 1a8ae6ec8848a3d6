"""Compares what an environment declares of Prefect's server with what is there."""

from __future__ import annotations

from collections.abc import Iterator

from prefect.client.orchestration import PrefectClient, get_client

from deployments.drift import explaining, origins
from deployments.drift.automation_drift import automation_drift
from deployments.drift.block_drift import block_drift
from deployments.drift.declared import DeclaredDeployments, declared_by, flow_name
from deployments.drift.deployment_fields import Declared, Field, FieldDifference, differences
from deployments.drift.difference import Area, Difference
from deployments.drift.history import History
from deployments.drift.pool_drift import pool_drift
from deployments.drift.prefect_server import Found, OnServer, read_server
from deployments.environment import Environment
from deployments.prefect_answers import prefect_answers
from deployments.rendering import TAG

SOURCE = "source"
"""The tag of deployments that are made for the sources that the database has."""
_KEPT_AS = {
    Field.ENTRYPOINT: "entrypoint",
    Field.PARAMETERS: "parameters",
    Field.TAGS: "tags",
    Field.DESCRIPTION: "description",
    Field.PAUSED: "paused",
    Field.VERSION: "version",
    Field.CODE: "pull_steps",
    Field.LIMIT: "concurrency_limit",
}
"""What Prefect's events call a field."""


async def prefect_drift(environment: Environment, release: str | None) -> list[Difference]:
    """Every difference of deployments, pool, queues, limits, automations and blocks.

    Raises:
        ServiceUnavailable: the server does not answer.
    """
    with prefect_answers():
        async with get_client() as client:
            return await _drift(client, environment, release)


async def _drift(
    client: PrefectClient, environment: Environment, release: str | None
) -> list[Difference]:
    declared = declared_by(environment, release)
    flows = sorted({flow_name(each) for each in declared.deployments})
    found = await read_server(client, environment.pool.name, flows, TAG)
    return [
        *deployment_drift(declared, found),
        *pool_drift(environment, found),
        *_tag_limits(declared, found),
        *automation_drift(environment, found),
        *[each async for each in block_drift(client, environment)],
    ]


def deployment_drift(declared: DeclaredDeployments, found: OnServer) -> Iterator[Difference]:
    """Deployments that are missing, other, or nobody's."""
    there = {each["name"]: each for each in found.deployments}
    for each in declared.deployments:
        is_there = there.pop(each["name"], None)
        if is_there is None:
            yield _missing(each, found.history)
        else:
            for field in differences(each, is_there, declared.pull):
                yield _field(each, is_there, field, found.history)
    for name, extra in sorted(there.items()):
        if SOURCE not in extra["tags"]:
            yield _extra(name, extra)


def _missing(declared: Declared, history: History) -> Difference:
    told = explaining.DEPLOYMENT_MISSING
    who = origins.of_missing_object("deployment", declared["name"], history)
    return Difference(
        Area.DEPLOYMENT, declared["name"], "", declared["entrypoint"], None, told.means,
        who, told.repair, told.remedy,
    )  # fmt: skip


def _extra(name: str, found: Found) -> Difference:
    told = explaining.DEPLOYMENT_EXTRA
    return Difference(
        Area.DEPLOYMENT, name, "", None, found.get("entrypoint") or "", told.means,
        origins.of_prefect_object(found), told.repair, told.remedy,
    )  # fmt: skip


def _field(
    declared: Declared, found: Found, field: FieldDifference, history: History
) -> Difference:
    told = explaining.of_field(field.field)
    who = origins.of_prefect_object(found, history, "deployment", _KEPT_AS.get(field.field, ""))
    return Difference(
        Area.DEPLOYMENT, declared["name"], field.name, field.declared, field.found, told.means,
        who, told.repair, told.remedy,
    )  # fmt: skip


def _tag_limits(declared: DeclaredDeployments, found: OnServer) -> Iterator[Difference]:
    """Limits of tags that our runs have; none is declared."""
    ours = {tag for each in declared.deployments for tag in each.get("tags") or ()}
    told = explaining.TAG_LIMIT
    for each in found.tag_limits:
        if each["tag"] in ours:
            yield Difference(
                Area.LIMIT, f"of the tag {each['tag']}", "", None, str(each["concurrency_limit"]),
                told.means, origins.of_prefect_object(each), told.repair, told.remedy,
            )  # fmt: skip
