"""Route of releases: what runs here, what was deployed, and how it differs from its file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from app.api.authorization import operators_only
from app.api.dependencies import Parts
from app.api.problems import responses
from pipeline.store import alerts, processes, rollouts
from pipeline.store.alerts import KeptAlert
from pipeline.store.processes import RunningProcess
from pipeline.store.rollouts import Rollout, Step

router = APIRouter(tags=["releases"])

DRIFT = "drift-found"
_MOST = 20


class RunningOut(BaseModel):
    """Processes of one kind that run the same release."""

    kind: str = Field(description="api or worker.")
    release: str | None = Field(description="Null: the code of a checkout or a package.")
    environment: str | None = Field(description="Null: settings of the process's own.")
    number: int


class DeploymentOut(BaseModel):
    """One deployment of a release to an environment."""

    environment: str
    release: str
    step: Step = Field(description="How far it came, or how it ended.")
    runs: bool = Field(description="It is the one that its environment runs.")
    reason: str = Field(description="Why it was refused or rolled back.")
    who: str
    began_at: datetime
    ended_at: datetime | None


class DriftOut(BaseModel):
    """What a look for drift found, as its alert says."""

    environment: str
    told: str
    since: datetime
    seen_at: datetime = Field(description="Found last.")
    closed_at: datetime | None = Field(description="Null while it is still so.")


class ReleasesOut(BaseModel):
    """What runs, what was deployed, and what drifted, as it was recorded."""

    running: list[RunningOut]
    deployments: list[DeploymentOut] = Field(description="Newest first, twenty at most.")
    drift: list[DriftOut] = Field(description="What is still so first; twenty at most.")


@router.get(
    "/releases",
    responses=responses(401, 403, 429, 503),
    dependencies=[Depends(operators_only("Releases are for operators."))],
)
async def get_releases(parts: Parts) -> ReleasesOut:
    """Say what runs here, what was deployed and verified, and what drifted. Operators only.

    Nothing is looked for: deployments and the flow `drift` record what is told here.
    """
    async with parts.database.service() as connection:
        alive = await processes.running(connection)
        deployed = await rollouts.everywhere(connection, _MOST)
        found = await alerts.of_kind(connection, DRIFT, _MOST)
    return ReleasesOut(
        running=_running(alive),
        deployments=_deployments(deployed),
        drift=[_drift(each) for each in found],
    )


def _running(alive: Sequence[RunningProcess]) -> list[RunningOut]:
    counted = Counter((each.kind, each.release, each.environment) for each in alive)
    return [
        RunningOut(kind=kind, release=release, environment=environment, number=number)
        for (kind, release, environment), number in sorted(counted.items(), key=str)
    ]


def _deployments(deployed: Sequence[Rollout]) -> list[DeploymentOut]:
    newest: dict[str, Rollout] = {}
    for each in deployed:
        if each.step == Step.VERIFIED:
            newest.setdefault(each.environment, each)
    return [
        DeploymentOut(
            environment=each.environment, release=each.release_id, step=Step(each.step),
            runs=newest.get(each.environment) is each, reason=each.reason, who=each.who,
            began_at=each.created_at, ended_at=each.ended_at,
        )
        for each in deployed
    ]  # fmt: skip


def _drift(each: KeptAlert) -> DriftOut:
    return DriftOut(
        environment=each.key, told=each.title, since=each.opened_at, seen_at=each.seen_at,
        closed_at=each.closed_at,
    )  # fmt: skip
