"""Compares what running processes were started with, and what is declared of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from uuid import UUID

from deployments.drift import explaining
from deployments.drift.database_drift import opened
from deployments.drift.difference import Area, Difference
from deployments.drift.explaining import Explanation
from deployments.environment import Environment, declared_settings
from deployments.environment_files import LOCAL
from pipeline.settings import Settings
from pipeline.settings_facts import UNSET, is_secret, settings_facts
from pipeline.store import processes
from pipeline.store.embedding_spaces import installation_id
from pipeline.store.processes import RunningProcess
from stages.services import database_addresses

_OF_THE_MACHINE = frozenset(
    {"home", "onnx_folder", "reranker_folder", "password_file", "prefect_auth_file"}
)
"""Paths, which may differ from machine to machine unless the environment names them."""
_CHECKOUT = "no release"


async def process_drift(
    environment: Environment, settings: Settings, release: str | None
) -> list[Difference]:
    """Settings, environment and release of every API and worker that runs.

    Raises:
        DatabaseUnavailable: it cannot be reached.
    """
    database = opened(await database_addresses(settings))
    try:
        async with database.service() as connection:
            running = await processes.running(connection)
            installation = await installation_id(connection)
    finally:
        await database.close()
    declared = declared_facts(environment, settings, installation)
    wanted = release or (running[-1].release if running else None)
    return [e for each in running for e in _of_process(each, environment, declared, wanted)]


def declared_facts(
    environment: Environment, settings: Settings, installation: UUID
) -> dict[str, str]:
    """What every process of the environment should have.

    Args:
        settings: of this process, which has the environment's secrets.
    """
    facts = settings_facts(declared_settings(environment), installation)
    own = settings_facts(settings, installation)
    for name in facts:
        if name in environment.secrets:
            facts[name] = own[name]
        elif is_secret(name):
            facts[name] = UNSET
    return {
        name: value
        for name, value in facts.items()
        if name not in _OF_THE_MACHINE or name in environment.settings
    }


def _of_process(
    process: RunningProcess,
    environment: Environment,
    declared: Mapping[str, str],
    release: str | None,
) -> Iterator[Difference]:
    if (of := process.environment or LOCAL) != environment.name:
        told = explaining.PROCESS_ENVIRONMENT
        yield _difference(process, "environment", environment.name, of, told)
        return  # every setting would differ
    if process.release != release:
        told = explaining.RELEASE
        yield _difference(process, "release", release or _CHECKOUT, process.release, told)
    for name, value in declared.items():
        found = process.settings.get(name, UNSET)
        if found != value:
            told = explaining.SECRET if is_secret(name) else explaining.SETTING
            yield _difference(process, name, value, found, told)


def _difference(
    process: RunningProcess, field: str, declared: str, found: str | None, told: Explanation
) -> Difference:
    started = f"{process.started_at:%Y-%m-%d %H:%M:%S} UTC"
    return Difference(
        Area.PROCESS, process.name, field, declared, found or _CHECKOUT, told.means,
        f"Whoever started the process, at {started}, with its variables and files of then.",
        told.repair, told.remedy,
    )  # fmt: skip
