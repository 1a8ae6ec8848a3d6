"""Repairs drift: sets back what is safe to set back, and looks again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from deployments.drift.database_repair import repair_database
from deployments.drift.difference import Area, Difference
from deployments.drift.finding import find_drift
from deployments.drift.prefect_repair import repair_prefect
from deployments.drift.release_facts import NO_RELEASE, ReleaseFacts
from deployments.environment import Environment
from pipeline.errors import NavigatorError
from pipeline.logs import logger
from pipeline.settings import Settings

_LOG = logger("navigator.drift")
_OF_DATABASE = frozenset({Area.DATABASE})


async def repair_drift(
    environment: Environment,
    settings: Settings,
    found: Sequence[Difference],
    *,
    release: ReleaseFacts = NO_RELEASE,
) -> Sequence[Difference]:
    """Set back what is not accepted and may be set back; nothing is dropped, no row is changed.

    Returns:
        What was found, as repaired where it is not found any more, and what is new.
    """
    chosen = [each for each in found if each.is_left and each.is_repairable]
    database = [each for each in chosen if each.area in _OF_DATABASE]
    others = [each for each in chosen if each.area not in _OF_DATABASE]
    if others:
        await _tried("prefect", lambda: repair_prefect(environment, release, others))
    if database:
        await _tried("database", lambda: repair_database(settings, database))
    if not chosen:
        return found
    left = await find_drift(environment, settings, release=release)
    return _told(found, left, {each.what for each in chosen})


async def _tried(part: str, repair: Callable[[], Awaitable[None]]) -> None:
    """What cannot be repaired is found again, and told then."""
    try:
        await repair()
    except NavigatorError as error:
        _LOG.warning("drift_not_repaired", part=part, code=error.code, reason=error.message)


def _told(
    found: Sequence[Difference], left: Sequence[Difference], chosen: set[str]
) -> Sequence[Difference]:
    still = {each.what for each in left}
    repaired = [
        replace(each, repaired=True)
        for each in found
        if each.what in chosen and each.what not in still
    ]
    for each in repaired:
        _LOG.info("drift_repaired", what=each.what)
    return [*repaired, *left]
