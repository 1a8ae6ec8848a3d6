"""Embedding spaces for the command line: planned, built, compared, switched, listed, dropped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from pipeline.settings import Settings
from pipeline.worker_identity import operator_account

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

    from app.prefect.run_view import RunView
    from pipeline.store.dropped_spaces import Dropped
    from pipeline.store.space_pointer import PastSwitch, SpaceUse, StoredSpace, Switch
    from stages.golden.comparison import Comparison
    from stages.services import Services
    from stages.spaces.build_runs import SpaceRun
    from stages.spaces.building import SpacePlan
    from stages.spaces.space_settings import SpaceSettings

DEPLOYMENT = "build-space/space"
"""The deployment by which a worker builds a space."""


@dataclass(frozen=True, slots=True)
class SpaceView:
    """A space with what is in it.

    Attributes:
        answers: it answers questions. lacking: published documents that it lacks, when it is kept.
    """

    space: StoredSpace
    answers: bool
    use: SpaceUse
    lacking: int


@dataclass(frozen=True, slots=True)
class SpaceList:
    """Every space, and the last switches, newest first."""

    spaces: Sequence[SpaceView]
    switches: Sequence[PastSwitch]


async def listed(settings: Settings) -> SpaceList:
    """Every space that there is."""
    from pipeline.store import space_backlog, space_pointer
    from stages.services import open_services

    async with open_services(settings) as services:
        async with services.database.service() as connection:
            spaces = await space_pointer.all_spaces(connection)
            use = await space_pointer.use(connection)
            switches = await space_pointer.switches(connection)
            lacking = {
                each.id: await space_backlog.count(connection, each.id)
                for each in spaces if each.filled
            }  # fmt: skip
        answers = services.version.space_id
        return SpaceList(
            [
                SpaceView(each, each.id == answers, use[each.id], lacking.get(each.id, 0))
                for each in spaces
            ],
            switches,
        )


async def planned(settings: Settings, wanted: SpaceSettings) -> SpacePlan:
    """What building a space would buy."""
    from stages.services import open_services
    from stages.spaces.building import plan_space

    async with open_services(settings) as services, AsyncExitStack() as stack:
        return await plan_space(services, wanted, stack)


async def begun(settings: Settings, wanted: SpaceSettings) -> UUID:
    """The id of a space that is filled from now on."""
    from stages.services import open_services
    from stages.spaces.building import begin_space, plan_space

    async with open_services(settings) as services, AsyncExitStack() as stack:
        embedder = await begin_space(services, await plan_space(services, wanted, stack))
        return embedder.space.id


def build_here(settings: Settings, space: UUID, cap: Decimal | None, view: RunView) -> SpaceRun:
    """Fill a space in this process.

    Raises:
        NavigatorError: it could not begin, or could not go on; what was bought is kept.
    """
    from app.prefect.flow_process import RunningFlow, connect, run_flow

    addresses, run_id = connect(settings, view), uuid4()
    ended: list[State[Any]] = []

    async def start() -> State[Any]:
        from flows.build_space import build_space

        state: State[Any] = await build_space(space, cap, run_id, return_state=True)
        ended.append(state)
        return state

    flow = RunningFlow(run_id, None, start, loads_gate=False)
    trouble = run_flow(flow, settings, addresses, view)
    if trouble is not None:
        raise trouble
    done: SpaceRun = asyncio.run(_result(ended[-1]))
    return done


def hand_over(settings: Settings, space: UUID, cap: Decimal | None) -> UUID:
    """Have a worker fill a space; the id of its flow run.

    Raises:
        ConfigurationError: there is no Prefect server with our deployments.
    """
    from app.prefect import handing_over

    parameters = {"space_id": str(space), "max_cost_usd": None if cap is None else str(cap)}
    later = "the same command begins it again."
    return handing_over.hand_over(settings, DEPLOYMENT, parameters, later)


async def _result(state: State[Any]) -> Any:
    return await state.aresult()


async def one_space(settings: Settings, given: str) -> StoredSpace:
    """The space that a person names.

    Raises:
        UsageError: there is none, or more than one.
    """
    from pipeline.store import space_pointer
    from stages.services import open_database
    from stages.spaces.naming import space_named

    async with AsyncExitStack() as stack:
        database = await open_database(settings, stack)
        async with database.service() as connection:
            return space_named(await space_pointer.all_spaces(connection), given)


Heard = Callable[[], Awaitable[None]]


async def compared(
    settings: Settings, given: str | None, file: Path | None, heard: Heard
) -> Comparison | None:
    """The space that answers and another, asked the golden questions; None when there are none.

    Args:
        given: the other; the only one that is kept beside when not given.
        heard: called after each question of each space.
    """
    from stages.services import open_services

    async with open_services(settings) as services:
        space = await _other(services, given)
        return await _compared(services, space, file, heard)


async def _other(services: Services, given: str | None) -> StoredSpace:
    from pipeline.errors import UsageError
    from pipeline.store import space_pointer
    from stages.spaces.naming import space_named

    async with services.database.service() as connection:
        spaces = await space_pointer.all_spaces(connection)
    if given is not None:
        return space_named(spaces, given)
    beside = [each for each in spaces if each.filled and each.id != services.version.space_id]
    if len(beside) == 1:
        return beside[0]
    raise UsageError(
        "There are several spaces beside the one that answers."
        if beside
        else "There is no space beside the one that answers.",
        remedy="Name one; `navigator space list` shows them."
        if beside
        else "Begin one with `navigator space build`.",
    )


async def _compared(
    services: Services, space: StoredSpace, file: Path | None, heard: Heard
) -> Comparison | None:
    from stages.golden.comparison import compare
    from stages.golden.kept import asked_questions

    questions = await asked_questions(services, file)
    if not questions:
        return None
    after = await services.embedders.of(space)
    return await compare(services, services.embedder, after, questions, heard)


async def switched(
    settings: Settings, given: str | None, file: Path | None, force: str | None, heard: Heard
) -> tuple[Switch, Comparison | None]:
    """Compare, and have the other space answer if the gate lets it, or is overruled."""
    from pipeline.store import space_backlog
    from stages.golden.comparison import objections
    from stages.services import open_services
    from stages.spaces import switching

    async with open_services(settings) as services:
        space = await _other(services, given)
        comparison = await _compared(services, space, file, heard)
        async with services.database.service() as connection:
            lacking = await space_backlog.count(connection, space.id)
        refusal = switching.Refusal(objections(comparison, lacking))
        figures = comparison.figures() if comparison else None
        made = await switching.switch(
            services, space, operator_account(), refusal=refusal, comparison=figures, force=force
        )
        return made, comparison


async def rolled_back(settings: Settings) -> Switch:
    """Have the space answer that answered before."""
    from stages.services import open_services
    from stages.spaces import switching

    async with open_services(settings) as services:
        return await switching.roll_back(services, operator_account())


async def dropped(settings: Settings, space: StoredSpace) -> Dropped:
    """Remove a space that does not answer."""
    from stages.services import open_services
    from stages.spaces import switching

    async with open_services(settings) as services:
        return await switching.drop(services, space)
