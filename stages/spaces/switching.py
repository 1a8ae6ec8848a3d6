"""Switches the space that answers, goes back, and drops one that is kept no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.errors import UsageError
from pipeline.logs import logger
from pipeline.store import dropped_spaces, space_pointer
from pipeline.store.connection_retries import retry_on_restart
from pipeline.store.dropped_spaces import Dropped
from pipeline.store.space_pointer import StoredSpace, Switch
from stages.services import Services
from stages.spaces.naming import title

_LOG = logger("navigator.spaces")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the gate refuses a switch: each reason a sentence."""

    reasons: tuple[str, ...]


async def switch(
    services: Services,
    space: StoredSpace,
    who: str,
    *,
    refusal: Refusal,
    comparison: Mapping[str, Any] | None,
    force: str | None = None,
) -> Switch:
    """Have a space answer from now on.

    Args:
        who: in whose name it is written down.
        refusal: what the gate has against it.
        force: why it is done all the same; written down.

    Raises:
        UsageError: the gate refuses it, it was dropped, or it answers already.
    """
    _require_other(services, space)
    if not space.filled:
        raise UsageError(
            f"The space {title(space)} is not kept up with what is published.",
            remedy="Build it with `navigator space build`, then switch.",
        )
    if refusal.reasons and not force:
        raise UsageError(
            "The gate refuses the switch: " + " ".join(refusal.reasons),
            remedy="Mend that, or switch all the same with --force and the reason why.",
        )
    reason = f"{force} (against: {' '.join(refusal.reasons)})" if refusal.reasons else ""
    made = Switch("switch", services.version.space_id, space.id, who, reason, comparison)
    await _point(services, made, whole=not force)
    return made


@retry_on_restart
async def _point(services: Services, made: Switch, *, whole: bool) -> None:
    async with services.database.service() as connection:
        await space_pointer.point(connection, made, whole=whole)
    _LOG.info(
        "space_switched", kind=made.kind, before=str(made.from_space_id), now=str(made.to_space_id)
    )


async def roll_back(services: Services, who: str) -> Switch:
    """Have the space answer that answered before the last switch.

    Raises:
        UsageError: there was no switch, or that space has been dropped since.
    """
    async with services.database.service() as connection:
        past = await space_pointer.switches(connection, 1)
        before = await space_pointer.space(connection, past[0].from_space_id) if past else None
    if before is None:
        raise UsageError(
            "There has been no switch: there is nothing to go back to.",
            remedy="`navigator space list` shows what there is.",
        )
    _require_other(services, before)
    if not before.filled:
        raise UsageError(
            f"The space before, {title(before)}, has been dropped.",
            remedy="Build it again with `navigator space build`, then switch.",
        )
    made = Switch("rollback", services.version.space_id, before.id, who)
    await _point(services, made, whole=False)
    return made


def _require_other(services: Services, space: StoredSpace) -> None:
    if space.id == services.version.space_id:
        raise UsageError(
            f"The space {title(space)} answers already.",
            remedy="`navigator space list` shows which others there are.",
        )


@retry_on_restart
async def drop(services: Services, space: StoredSpace) -> Dropped:
    """Remove a space with its vectors; there is no way back to it but to build it again.

    Raises:
        UsageError: it answers questions.
    """
    if space.id == services.version.space_id:
        raise UsageError(
            f"The space {title(space)} answers questions: it cannot be dropped.",
            remedy="Switch to another first.",
        )
    return await dropped_spaces.drop(services.database, space.id, services.version.space_id)
