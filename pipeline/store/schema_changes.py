"""Changes the schema of a deployed environment so that the change can be taken back.

A release expands first: its migrations only add. They are rehearsed, forth and back, in a
transaction that is undone, before they are applied; what takes something away is a *contraction*,
applied after the next release has been verified, when no release that could be gone back to needs
it any more. Older programs work with an expanded schema: see `installation.oldest_program`.
"""

from __future__ import annotations

import asyncio
import json
import runpy
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.errors import ConfigurationError
from pipeline.store import migrating
from pipeline.store.database_roles import hand_over, show_revision
from pipeline.store.database_urls import Addresses
from pipeline.store.engine import Database
from pipeline.store.migrating import (
    MIGRATION_LOCK,
    alembic_config,
    connected,
    current_revision,
    head_revision,
    known_revisions,
    migrate,
    oldest_program,
)
from pipeline.store.schema import SCHEMA
from pipeline.store.structure import (
    Structure,
    StructureDifference,
    differences,
    structure_in,
)
from pipeline.store.structure.contracting import StructureChange

RELEASES_SINCE = "0011"
"""The first revision that knows releases and rollouts."""

_LOCK_SECONDS = 10
_TOLD = 3


@dataclass(frozen=True, slots=True)
class Contraction:
    """What is taken away from the schema later than it was replaced.

    Attributes:
        name: of its module.
        after: the revision whose programs need it no more.
        apply: takes it away.
        change: of the structure; None where the file beside its module is missing.
    """

    name: str
    after: str
    apply: Callable[[sa.Connection], None]
    change: StructureChange | None = None


def contractions() -> Sequence[Contraction]:
    """Those that this program knows, in their order."""
    files = sorted((migrating.MIGRATIONS / "contractions").glob("[0-9]*.py"))
    return [_contraction(path) for path in files]


def _contraction(path: Path) -> Contraction:
    found, told = runpy.run_path(str(path)), path.with_suffix(".json")
    change = (
        StructureChange.from_json(json.loads(told.read_text("utf-8"))) if told.exists() else None
    )
    return Contraction(path.stem, found["after"], found["contract"], change)


def contracted(structure: Structure, names: Collection[str]) -> Structure:
    """A structure after these contractions too, as far as this program knows them.

    Two databases of one revision differ by what was taken away from one of them already: that is
    no fault of either, so whoever compares them brings both to the same contractions first.
    """
    for each in contractions():
        if each.change and each.name in names and each.name not in structure.contractions:
            structure = each.change.applied_to(structure, each.name)
    return structure


def revision_of(addresses: Addresses) -> str:
    """The schema's revision; empty before the first.

    Raises:
        DatabaseUnavailable: it cannot be reached.
    """
    with connected(_owner(addresses)) as connection:
        return current_revision(connection) or ""


def expand(addresses: Addresses) -> str:
    """Bring the schema to this program's revision; the revision that it has then.

    Raises:
        ConfigurationError: a migration changes or takes away what is there, or cannot be taken
            back; nothing was changed.
        DatabaseUnavailable: it cannot be reached.
    """
    current = revision_of(addresses)
    if current and current in known_revisions() and current < head_revision():
        asyncio.run(rehearse(addresses, current))
    migrate(_owner(addresses))
    return revision_of(addresses)


async def rehearse(addresses: Addresses, current: str) -> None:
    """Go forth to this program's schema and back, in a transaction that is undone.

    Raises:
        ConfigurationError: as `expand`.
    """
    from alembic import command

    database = Database.at(addresses, pool_size=1)
    try:
        async with database.owner() as connection:
            # who works is not made to wait for long; the rehearsal is tried again
            await connection.execute(sa.text(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'"))
            before = await structure_in(connection)
            await _gone(connection, command.upgrade, head_revision(), "forth")
            _require_additions(before, await structure_in(connection))
            await _gone(connection, command.downgrade, current, "back")
            _require_same(before, await structure_in(connection), current)
            raise _Undone
    except _Undone:
        pass
    finally:
        await database.close()


class _Undone(Exception):
    """Ends the rehearsal's transaction without a commit."""


async def _gone(connection: AsyncConnection, step: Any, revision: str, way: str) -> None:
    try:
        await connection.run_sync(lambda inside: step(alembic_config(inside), revision))
    except (sa.exc.SQLAlchemyError, NotImplementedError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()
        raise ConfigurationError(
            f"The migration fails in its rehearsal, on the way {way}: "
            f"{reason[0] if reason else type(error).__name__}",
            remedy="Correct it and make a new release; nothing was changed.",
        ) from error


def _require_additions(before: Structure, after: Structure) -> None:
    taken = [
        each for each in differences(before, after)
        if each.what != "extra" and each.kind != "revision"
    ]  # fmt: skip
    if taken:
        raise ConfigurationError(
            f"A migration of this release changes or takes away what the last one needs: "
            f"{_named(taken)}.",
            remedy="Only add in a migration; take away in a contraction "
            "(pipeline/store/migrations/contractions), which is applied one release later.",
        )


def _require_same(before: Structure, after: Structure, revision: str) -> None:
    if left := differences(before, after):
        raise ConfigurationError(
            f"Going back to the schema {revision} leaves differences: {_named(left)}.",
            remedy="Correct the migration's downgrade, and make a new release; nothing was "
            "changed.",
        )


def _named(found: Sequence[StructureDifference]) -> str:
    first = ", ".join(f"{each.kind} {each.name}" for each in found[:_TOLD])
    return first + (f", and {len(found) - _TOLD} more" if len(found) > _TOLD else "")


def go_back(addresses: Addresses, revision: str) -> None:
    """Take the schema back to an older revision, by this program's migrations.

    Raises:
        ConfigurationError: this program does not know the way.
        DatabaseUnavailable: it cannot be reached.
    """
    from alembic import command

    with connected(_owner(addresses)) as connection:
        current = current_revision(connection)
        if current is None or current <= revision:
            return
        if current not in known_revisions() or revision not in known_revisions():
            raise ConfigurationError(
                f"This program does not know the way back from the schema {current} to {revision}.",
                remedy="Run the release that migrated it.",
            )
        connection.rollback()
        connection.execute(sa.text(f"SELECT pg_advisory_lock({MIGRATION_LOCK})"))
        connection.commit()
        command.downgrade(alembic_config(connection), revision)
        show_revision(connection)
        hand_over(connection)
        connection.commit()
        connection.execute(sa.text(f"SELECT pg_advisory_unlock({MIGRATION_LOCK})"))


_DONE = sa.text(f"SELECT name FROM {SCHEMA}.schema_contractions")
_NOTE = sa.text(
    f"INSERT INTO {SCHEMA}.schema_contractions (name) VALUES (:name) ON CONFLICT DO NOTHING"
)
_SERVES = sa.text(f"UPDATE {SCHEMA}.installation SET oldest_program = :revision")


def contract(addresses: Addresses, needed: str) -> list[str]:
    """Take away what no program from a revision on needs any more; what was taken away.

    Args:
        needed: the oldest revision of a release that could still be gone back to.
    """
    applied = []
    with connected(_owner(addresses)) as connection:
        connection.rollback()
        connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
        connection.execute(sa.text("SET LOCAL ROLE navigator_service"))
        done = set(connection.execute(_DONE).scalars())
        connection.execute(sa.text("RESET ROLE"))
        due = [each for each in contractions() if each.name not in done and each.after <= needed]
        for each in due:
            each.apply(connection)
            applied.append(each.name)
        if due:
            oldest = max(oldest_program(connection), *(each.after for each in due))
            connection.execute(sa.text("SET LOCAL ROLE navigator_service"))
            for each in due:
                connection.execute(_NOTE, {"name": each.name})
            connection.execute(_SERVES, {"revision": oldest})
        connection.commit()
    return applied


def _owner(addresses: Addresses) -> str:
    return addresses.owner or addresses.service
