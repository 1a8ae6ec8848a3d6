"""Finds what is known of a source: one that an operator added, or one that a person names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from pipeline.errors import UsageError
from pipeline.plugins import SOURCES
from pipeline.roots import OutsideRoots
from pipeline.source_address import SourceAddress
from pipeline.source_definition import SourceDefinition
from pipeline.store import sources
from pipeline.store.engine import Database
from stages.services import Services


async def definition_of(services: Services, name: str) -> SourceDefinition:
    """The added source of this name.

    Raises:
        UsageError: there is none.
    """
    async with services.database.service() as connection:
        return await sources.named(connection, name)


async def named_by_url(
    services: Services,
    urls: Sequence[str],
    user: UUID,
    tags: Sequence[str],
    exclude: Sequence[str],
    *,
    sync: bool,
) -> list[SourceDefinition]:
    """Sources that a person names by their URLs, whose documents all become this user's.

    They are reached with what the added source has in which one lies, if there is such a source,
    else with what the environment says of the kind.

    Raises:
        UsageError: a URL is none.
    """
    if not urls:
        return []
    async with services.database.service() as connection:
        added = await sources.all_sources(connection)
    found = []
    for url in urls:
        address = address_of(url)
        base = next((each for each in added if each.address.covers(address)), None)
        found.append(
            SourceDefinition(
                address.url,
                user,
                tags=tuple(tags),
                exclude=tuple(exclude),
                options=base.options if base else {},
                credentials=base.credentials if base else None,
                sync=sync,
            )
        )
    return found


def address_of(given: str) -> SourceAddress:
    """The address of a source whose kind is known.

    Raises:
        UsageError: it is none, or of no known kind.
    """
    address = SourceAddress.of(given)
    if not SOURCES.knows(address.scheme):
        raise UsageError(
            f"There is no kind of source {address.scheme[:20]!r}.",
            remedy=f"One of: {', '.join(SOURCES.names())}.",
        )
    return address


async def require_added(database: Database, urls: Sequence[str], user: UUID) -> None:
    """Refuse a worker's run that reads a source which no operator added for this user.

    Raises:
        OutsideRoots: it is none, is paused, or maps its objects to users by rules; which one is
            not said.
    """
    if not urls:
        return
    async with database.service() as connection:
        added = await sources.all_sources(connection)
    own = [e for e in added if e.user_id == user and not e.rights and e.paused_at is None]
    for url in urls:
        address = address_of(url)
        if not any(each.address.covers(address) for each in own):
            raise OutsideRoots(
                "This worker may not read a source of this run.",
                remedy="Add it with `navigator source add`, for this user; a source with rules is "
                "read by its own deployment.",
            )


def with_run_tags(definition: SourceDefinition, tags: Sequence[str]) -> SourceDefinition:
    """The source with a run's tags besides its own."""
    return replace(definition, tags=tuple(dict.fromkeys([*definition.tags, *tags])))
