"""Changes the schema of a deployed environment so that the change can be taken back.

A release expands first: its migrations only add. They are rehearsed, forth and back, in a
transaction that is undone, before they are applied; what takes something away is a *contraction*,
applied after the next release has been verified, when no release that could be gone back to needs
it any more. Older programs work with an expanded schema: see `installation.oldest_program`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pipeline.errors import ConfigurationError
from pipeline.store.database_roles import hand_over, show_revision
from pipeline.store.database_urls import Addresses
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
from pipeline.store.structure import Structure, differences, read_structure

_LOCK_SECONDS = 10
CONTRACTIONS = "pipeline.store.migrations.contractions"


@dataclass(frozen=True, slots=True)
class Contraction:
    """What is taken away from the schema later than it was replaced.

    Attributes:
        name: of its module.
        after: the revision whose programs need it no more.
    """

    name: str
    after: str

    def apply(self, connection: sa.Connection) -> None:
        """Take it away."""
        import_module(f"{CONTRACTIONS}.{self.name}").contract(connection)


def contractions() -> Sequence[Contraction]:
    """Those that this program knows, in their order."""
    folder = Path(__file__).parent / "migrations" / "contractions"
    names = sorted(path.stem for path in folder.glob("[0-9]*.py"))
    return [Contraction(name, import_module(f"{CONTRACTIONS}.{name}").after) for name in names]


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
    url = _owner(addresses)
    with connected(url) as connection:
        current = current_revision(connection)
    if current is not None and current in known_revisions() and current < head_revision():
        rehearse(url, current)
    migrate(url)
    with connected(url) as connection:
        return current_revision(connection) or ""


def rehearse(url: str, current: str) -> None:
    """Go forth to this program's schema and back, in a transaction that is undone.

    Raises:
        ConfigurationError: as `expand`.
    """
    from alembic import command

    with connected(url) as connection, _undone(connection):
        before = read_structure(connection)
        _reached(lambda: command.upgrade(alembic_config(connection), head_revision()), "forth")
        _require_additions(before, read_structure(connection))
        _reached(lambda: command.downgrade(alembic_config(connection), current), "back")
        if left := differences(before, read_structure(connection)):
            raise ConfigurationError(
                f"Going back to the schema {current} leaves {len(left)} differences, the first: "
                f"{left[0]}.",
                remedy="Correct the migration's downgrade; nothing was changed.",
            )


@contextmanager
def _undone(connection: sa.Connection) -> Iterator[None]:
    connection.rollback()
    # who works is not made to wait for long; the rehearsal is tried again
    connection.execute(sa.text(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'"))
    connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
    try:
        yield
    finally:
        connection.rollback()


def _reached(step: Any, way: str) -> None:
    try:
        step()
    except (sa.exc.SQLAlchemyError, NotImplementedError) as error:
        reason = str(getattr(error, "orig", error)).splitlines()[0]
        raise ConfigurationError(
            f"The migration {way} fails in its rehearsal: {reason}",
            remedy="Correct it and make a new release; nothing was changed.",
        ) from error


def _require_additions(before: Structure, after: Structure) -> None:
    taken = [each for each in differences(before, after) if each.kind != "extra"]
    if taken:
        raise ConfigurationError(
            f"A migration of this release changes or takes away what the last one needs, "
            f"{len(taken)} objects, the first: {taken[0]}.",
            remedy="Only add in a migration; take away in a contraction "
            "(pipeline/store/migrations/contractions), which is applied one release later.",
        )


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
