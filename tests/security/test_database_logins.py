"""What the pipeline's logins cannot become: the owner, a superuser, each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa

from app.doctor.checks import database as tried
from pipeline.errors import ConfigurationError
from pipeline.settings import Settings
from pipeline.store import embedded_access
from pipeline.store.database_roles import OWNER_LOGIN, READER_LOGIN, SERVICE_LOGIN
from pipeline.store.database_urls import Addresses, driver_url
from pipeline.store.embedded import open_embedded, start_embedded, stop_embedded
from pipeline.store.embedded_identity import identity
from pipeline.store.embedding_spaces import build_index, partition
from pipeline.store.engine import Database, rows
from pipeline.store.migrating import migrate, prepare
from pipeline.store.schema import READER_ROLE, SCHEMA, SERVICE_ROLE
from tests.conftest import administer
from tests.pipeline.store.making import ANNA, BEN, SPACE, open_space, published, texts_of

EVERY_TABLE = sa.text(
    "SELECT tableowner, count(*) AS tables FROM pg_tables WHERE schemaname = :s GROUP BY 1"
)


@pytest.fixture(scope="module")
def addresses(scratch: Path) -> Iterator[Addresses]:
    """An embedded Postgres as the pipeline opens it, with a document each of two users."""
    folder = scratch / "logins" / "postgres"
    found = open_embedded(folder)
    prepare(found)
    asyncio.run(_fill(found))
    yield found
    stop_embedded(folder)


async def _fill(found: Addresses) -> None:
    database = Database.at(found)
    await open_space(database)  # makes a partition, which is the owner's to do
    for user, name in ((ANNA, "anna"), (BEN, "ben")):
        await published(database, f"{name}.md", f"{name} one", user=user)
    await database.close()


@pytest.fixture
async def database(addresses: Addresses) -> AsyncIterator[Database]:
    """That database, open."""
    opened = Database.at(addresses)
    yield opened
    await opened.close()


async def test_no_login_of_the_pipeline_is_a_superuser(database: Database) -> None:
    """Nor may one make roles or databases, or pass row-level security by."""
    query = sa.text(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY(:names) AND "
        "NOT (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)"
    )
    names = [OWNER_LOGIN, SERVICE_LOGIN, READER_LOGIN, SERVICE_ROLE, READER_ROLE]
    async with database.login() as connection:
        found = (await connection.execute(query, {"names": names})).scalars().all()
        session = await connection.scalar(sa.text("SELECT session_user"))
    assert set(found) == set(names)
    assert session == SERVICE_LOGIN


@pytest.mark.parametrize("user", [None, ANNA])
async def test_reset_role_gains_nothing(database: Database, user: object) -> None:
    """Without its role a session of the pipeline or of a reader may read no table at all."""
    session = database.service() if user is None else database.reader(ANNA)
    async with session as connection:
        await connection.execute(sa.text("RESET ROLE"))
        for name in ("documents", "document_chunks", "chunk_vectors", partition(SPACE)):
            with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
                async with connection.begin_nested():
                    await connection.execute(sa.text(f"TABLE {SCHEMA}.{name}"))


@pytest.mark.parametrize("role", [SERVICE_ROLE, OWNER_LOGIN, SERVICE_LOGIN, "postgres"])
@pytest.mark.parametrize("statement", ["SET ROLE {}", "SET SESSION AUTHORIZATION {}"])
async def test_a_reader_becomes_nobody_else(database: Database, role: str, statement: str) -> None:
    """A reader's session stays a reader's, whatever it sets."""
    for first in ("RESET ROLE", "RESET SESSION AUTHORIZATION", "SELECT 1"):
        async with database.reader(ANNA) as connection:
            await connection.execute(sa.text(first))
            with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
                await connection.execute(sa.text(statement.format(role)))
            await connection.rollback()


@pytest.mark.parametrize("role", [OWNER_LOGIN, "postgres", "pg_execute_server_program"])
@pytest.mark.parametrize("statement", ["SET ROLE {}", "SET SESSION AUTHORIZATION {}"])
async def test_the_pipeline_becomes_no_owner(database: Database, role: str, statement: str) -> None:
    """A session of the pipeline cannot change tables, policies or the server."""
    async with database.service() as connection:
        await connection.execute(sa.text("RESET ROLE"))
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
            await connection.execute(sa.text(statement.format(role)))
        await connection.rollback()


@pytest.mark.parametrize(
    "statement",
    [
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "COPY (SELECT 1) TO '/tmp/written'",
        "SELECT pg_read_file('pg_hba.conf')",
        "CREATE EXTENSION dblink",
        "CREATE ROLE another LOGIN SUPERUSER",
        f"ALTER TABLE {SCHEMA}.documents DISABLE ROW LEVEL SECURITY",
        f"DROP POLICY reader ON {SCHEMA}.documents",
        f"CREATE TABLE {SCHEMA}.planted (id int)",
    ],
)
async def test_no_session_reaches_the_server_or_the_policies(
    database: Database, statement: str
) -> None:
    """Neither the pipeline nor a reader runs programs, reads files or changes the rules."""
    refused = "permission denied|must be owner|not available|superuser"
    for session in (database.service(), database.reader(ANNA), database.login()):
        async with session as connection:
            with pytest.raises(sa.exc.DBAPIError, match=refused):
                await connection.execute(sa.text(statement))
            await connection.rollback()


async def test_the_owner_sees_no_rows(database: Database) -> None:
    """Row-level security is forced, so migrating is not reading."""
    async with database.owner() as connection:
        assert await connection.scalar(sa.text("SELECT session_user")) == OWNER_LOGIN
        assert await rows(connection, sa.text(f"TABLE {SCHEMA}.document_chunks")) == []
        found = {each["tableowner"] for each in await rows(connection, EVERY_TABLE, {"s": SCHEMA})}
    assert found == {OWNER_LOGIN}


async def test_an_index_is_built_by_the_owner(database: Database) -> None:
    """It says how far it is, and the pipeline notes that it is there."""
    heard: list[float] = []

    async def hear(share: float) -> None:
        heard.append(share)

    async with database.service() as connection:
        query = sa.text(f"SELECT dimension FROM {SCHEMA}.embedding_spaces WHERE id = :id")
        dimension = await connection.scalar(query, {"id": SPACE})
    await build_index(database, SPACE, dimension, hear)
    async with database.service() as connection:
        query = sa.text(f"SELECT indexed_at FROM {SCHEMA}.embedding_spaces WHERE id = :id")
        assert await connection.scalar(query, {"id": SPACE}) is not None


def _older_home(folder: Path) -> None:
    """What versions before this one left: trusting everybody, all owned by the superuser."""
    as_whom = identity()
    folder.mkdir(parents=True, mode=0o755)
    as_whom.own(folder)
    as_whom.run("initdb", ["--auth=trust", "--username=postgres", "--encoding=utf8"], folder, 60)
    options = "--options=-h '' -k . -p 5432"
    as_whom.run("pg_ctl", ["start", "--wait", "--log=log", options], folder, 60)
    url = embedded_access.address(folder, "postgres")
    migrate(url)
    asyncio.run(_fill(Addresses(url)))


async def _seen(found: Addresses) -> list[object]:
    database = Database.at(found)
    try:
        async with database.reader(ANNA) as connection:
            query = sa.text(f"SELECT id FROM {SCHEMA}.documents")
            [document] = (await connection.execute(query)).scalars()
        async with database.owner() as connection:
            owners = await rows(connection, EVERY_TABLE, {"s": SCHEMA})
            extra = sa.text(f"CREATE TABLE {SCHEMA}.later (id int)")  # as a migration would
            await connection.execute(extra)
            await connection.execute(sa.text(f"DROP TABLE {SCHEMA}.later"))
        return [await texts_of(database, document), {each["tableowner"] for each in owners}]
    finally:
        await database.close()


@pytest.mark.parametrize("running", [True, False])
def test_an_older_home_is_closed_at_its_next_start(scratch: Path, running: bool) -> None:
    """Its rows stay; the superuser's tables get their owner, and nobody is trusted any more."""
    folder = scratch / f"older-{running}" / "postgres"
    _older_home(folder)
    stranger = embedded_access.address(folder, "postgres").replace("postgres@", "navigator@")
    if not running:
        identity().run("pg_ctl", ["stop", "--wait"], folder, 60)
    found = open_embedded(folder)
    try:
        prepare(found)
        assert asyncio.run(_seen(found)) == [["anna one"], {OWNER_LOGIN}]
        with pytest.raises(ConfigurationError, match="is no member of the role navigator_reader"):
            prepare(replace(found, reader=None))  # one login for both, which only the owner's is
        with pytest.raises(psycopg.OperationalError, match="no password supplied"):
            psycopg.connect(stranger)
        with psycopg.connect(start_embedded(folder)) as connection:
            query = "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method = 'trust'"
            assert connection.execute(query).fetchone() == (0,)
    finally:
        stop_embedded(folder)


@pytest.fixture
def foreign(postgres_url: str) -> Iterator[Addresses]:
    """A database elsewhere, with a login that owns it and two others that own nothing."""
    name = f"foreign_{uuid4().hex[:8]}"
    for role in (name, f"{name}_reader"):
        administer(postgres_url, f"CREATE ROLE {role} LOGIN NOINHERIT PASSWORD 'only-a-test'")
    administer(postgres_url, f"CREATE DATABASE {name}")
    superuser = driver_url(postgres_url).set(database=name, drivername="postgresql")
    login = superuser.set(username=name, password="only-a-test")
    reader = login.set(username=f"{name}_reader")
    yield Addresses(
        service=login.render_as_string(hide_password=False),
        reader=reader.render_as_string(hide_password=False),
        owner=superuser.render_as_string(hide_password=False),
    )
    administer(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")
    administer(postgres_url, f"DROP ROLE {name}, {name}_reader")


async def test_an_owner_of_ones_own_migrates_and_lets_the_logins_in(foreign: Addresses) -> None:
    """With NAVIGATOR_DATABASE_OWNER_URL the other logins need no right but their roles."""
    await asyncio.to_thread(prepare, foreign)
    await _fill(foreign)
    # A host that only works needs no owner any more.
    await asyncio.to_thread(prepare, Addresses(foreign.service, foreign.reader))
    database = Database.at(Addresses(foreign.service, foreign.reader))
    try:
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied for"):
            async with database.login() as connection:
                await connection.execute(sa.text(f"TABLE {SCHEMA}.documents"))
        async with database.reader(ANNA) as connection:
            found = await rows(connection, sa.text(f"SELECT user_id FROM {SCHEMA}.documents"))
        assert [each["user_id"] for each in found] == [ANNA]
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied to set role"):
            async with database.reader(ANNA) as connection:
                await connection.execute(sa.text(f"SET ROLE {SERVICE_ROLE}"))
    finally:
        await database.close()


def test_a_login_that_may_not_migrate_says_what_is_missing(foreign: Addresses) -> None:
    """One sentence, which names the setting."""
    with pytest.raises(ConfigurationError, match="may not bring the schema") as told:
        prepare(Addresses(foreign.service))
    assert "NAVIGATOR_DATABASE_OWNER_URL" in told.value.remedy


def test_doctor_warns_of_a_superuser(foreign: Addresses) -> None:
    """A login that row-level security does not bind is named, with what to do."""
    from contextlib import AsyncExitStack

    from app.doctor.protections import database_login

    async def examined(service: str, owner: str | None) -> tuple[str, str]:
        addresses = {"database_url": service, "database_owner_url": owner}
        settings = Settings(**addresses)  # type: ignore[arg-type]
        async with AsyncExitStack() as stack:
            assert (await tried(settings, stack)).verdict == "ok"
            found = await database_login(settings, stack)
        return found.verdict, found.detail + found.remedy

    assert foreign.owner is not None
    verdict, words = asyncio.run(examined(foreign.owner, None))
    assert verdict == "note"
    assert "postgres is a superuser" in words
    assert "NAVIGATOR_DATABASE_OWNER_URL" in words
    verdict, words = asyncio.run(examined(foreign.service, foreign.owner))
    assert verdict == "ok", words
