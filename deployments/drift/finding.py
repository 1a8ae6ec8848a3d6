"""Finds drift: what an environment declares against what is."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from deployments.drift import explaining, origins
from deployments.drift.accepting import accepted
from deployments.drift.database_drift import database_drift
from deployments.drift.difference import Area, Difference
from deployments.drift.prefect_drift import prefect_drift
from deployments.drift.process_drift import process_drift
from deployments.drift.release_in_force import release_in_force
from deployments.environment import Environment
from pipeline.errors import NavigatorError
from pipeline.redaction import Redaction, process_redaction
from pipeline.settings import Settings


async def find_drift(
    environment: Environment, settings: Settings, *, release: str | None = None
) -> Sequence[Difference]:
    """Compare an environment with what its file and our code declare; nothing is changed.

    Prefect's server and the database are those of this process's environment.

    Args:
        release: the id of the release that is in force; by itself the one that was verified last.
            Without any, versions are not compared.

    Returns:
        Every difference, those that are accepted too; a part that does not answer is one.
    """
    if release is None:
        with suppress(NavigatorError):  # the database's own part tells that it does not answer
            release = await release_in_force(environment, settings)
    parts: dict[str, Callable[[], Awaitable[list[Difference]]]] = {
        "Prefect's server": lambda: prefect_drift(environment, release),
        "database": lambda: database_drift(settings),
        "processes": lambda: process_drift(environment, settings, release),
    }
    found: list[Difference] = []
    for name, look in parts.items():
        try:
            found += await look()
        except NavigatorError as error:
            found.append(_unanswered(name, error))
    redaction = process_redaction(os.environ)
    return accepted([_redacted(each, redaction) for each in found], environment.accepted)


def _redacted(each: Difference, redaction: Redaction) -> Difference:
    """No secret of this process is told, wherever a person may have written one."""
    declared, found = (
        None if value is None else redaction.text(value) for value in (each.declared, each.found)
    )
    return replace(each, declared=declared, found=found)


def _unanswered(part: str, error: NavigatorError) -> Difference:
    told = explaining.UNANSWERED
    areas = {"database": Area.DATABASE, "processes": Area.PROCESS}
    area = areas.get(part, Area.DEPLOYMENT)
    return Difference(
        area, part, "answer", "answers", error.message, told.means, origins.NOBODY_CAN_TELL,
        told.repair, f"{error.remedy} {told.remedy}".strip(),
    )  # fmt: skip
