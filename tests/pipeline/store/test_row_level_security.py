"""Row-level security on the real database: a reader sees one user's rows, whatever it asks."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.spending_caps import SpendingCaps
from pipeline.store import month_spending, service_calls, shadows, vocabulary
from pipeline.store.database_urls import driver_url
from pipeline.store.embedding_spaces import partition
from pipeline.store.engine import Database, rows
from pipeline.store.migrating import migrate
from pipeline.store.schema import READER_ROLE, SCHEMA, SERVICE_ROLE, USER_TABLES
from pipeline.store.service_calls import ServiceCall
from pipeline.store.shadows import ShadowResult
from tests.conftest import administer
from tests.pipeline.store.making import (
    ANNA,
    BEN,
    SPACE,
    claim,
    new_run,
    open_space,
    published,
    ready,
    register,
    source,
    table,
    texts_of,
)

NAMES = [each.name for each in USER_TABLES]


@pytest.fixture(scope="module")
def filled_url(module_database_url: str) -> str:
    """A database in which both users have rows in every table that holds user data."""
    asyncio.run(_fill(module_database_url))
    return module_database_url


@pytest.fixture
async def filled(filled_url: str) -> AsyncIterator[Database]:
    """That database, open; its tests undo what they change."""
    database = Database(filled_url)
    yield database
    await database.close()


async def _fill(url: str) -> None:
    store = Database(url)
    await open_space(store)
    for user, name in ((ANNA, "anna"), (BEN, "ben")):
        await published(store, f"{name}.md", f"{name} one", f"{name} two", user=user)
        [found] = await register(store, [source(f"{name}-2.md")], user)
        [job] = await claim(store, [found.job_id])
        await ready(store, job, f"{name} buffered")
        run_id = await new_run(store, user)
        async with store.service() as connection:
            call = ServiceCall("openai", "embed", "ok", 0.1, user_id=user, run_id=run_id)
            await service_calls.record(connection, call)
            for statement in (
                _PARSED, _QUALITY, _WEBHOOK, _ACCESS, _UPLOAD, _OBJECT, _SEEN, _REMOVED, _SEGMENT,
                _SEAL, _REPORT,
            ):  # fmt: skip
                await connection.execute(statement, {"user": user, "id": uuid4(), "sha": name})
        async with store.service() as connection:
            caps = SpendingCaps(user=Decimal(9))
            assert await month_spending.reserve(connection, {user: Decimal(1)}, caps)
        async with store.service() as connection:
            await connection.execute(_BACKLOG, {"user": user})
        async with store.service() as connection:
            await connection.execute(_RECIPE[0], {"user": user})
        async with store.service() as connection:
            for statement in _RECIPE[1:]:
                await connection.execute(statement, {"user": user, "id": uuid4()})
        async with store.service() as connection:
            await connection.execute(_GOLDEN, {"user": user, "id": uuid4(), "sha": name})
        async with store.service() as connection:
            await connection.execute(_REVIEW, {"user": user, "id": uuid4(), "sha": name})
        async with store.service() as connection:
            begun = await shadows.begin(
                connection, name, "r", share=1, wanted=1, max_cost_usd=Decimal(0), who="me"
            )
        async with store.service() as connection:
            result = ShadowResult(found.job_id, {}, {}, Decimal(0))
            assert await shadows.keep(connection, begun, result)
    await store.close()


_REMOVED = sa.text(f"INSERT INTO {SCHEMA}.removed_chunks (user_id, chunk_id) VALUES (:user, :id)")
_SEGMENT = sa.text(
    f"""
    WITH segment AS (
        INSERT INTO {SCHEMA}.word_segments (user_id, chunks, chunk_ids, lengths)
        VALUES (:user, 0, '', '') RETURNING id
    )
    INSERT INTO {SCHEMA}.word_postings (segment_id, lexeme, user_id, ordinals, counts)
    SELECT id, :sha, :user, '', '' FROM segment
    """
)
_RECIPE = [
    sa.text(each)
    for each in (
        f"""
        INSERT INTO {SCHEMA}.recipes (id, chunker, chunk_tokens, chunk_overlap_tokens)
        VALUES (:user, 'x', 64, 0)
        """,
        f"""
        WITH held AS (
            SELECT id, user_id FROM {SCHEMA}.documents WHERE user_id = :user ORDER BY id LIMIT 1
            FOR UPDATE
        )
        INSERT INTO {SCHEMA}.recipe_documents
            (recipe_id, document_id, user_id, job_id, chunker, chunks, tokens)
        SELECT :user, held.id, held.user_id, held.id, 'x', 1, 1 FROM held
        """,
        f"""
        INSERT INTO {SCHEMA}.recipe_chunks (recipe_id, id, document_id, user_id, ordinal,
            occurrence, text, sha256, start_offset, end_offset, heading_path, tokens, search)
        SELECT recipe_id, :id, document_id, user_id, 0, 0, 'x', 'x', 0, 1, '{{}}', 1, ''
        FROM {SCHEMA}.recipe_documents WHERE user_id = :user
        """,
        f"""
        INSERT INTO {SCHEMA}.recipe_vectors
            (recipe_id, space_id, chunk_id, user_id, sha256, embedding)
        SELECT c.recipe_id, s.id, c.id, c.user_id, 'x', '[1, 0]'
        FROM {SCHEMA}.recipe_chunks AS c, {SCHEMA}.embedding_spaces AS s WHERE c.user_id = :user
        """,
    )
]
_GOLDEN = sa.text(
    f"INSERT INTO {SCHEMA}.golden_questions (id, user_id, question, expected) "
    "VALUES (:id, :user, :sha, '[]')"
)
_REVIEW = sa.text(
    f"INSERT INTO {SCHEMA}.review_decisions (id, user_id, document_id, job_id, file_sha256, "
    "decision, reason, who) VALUES (:id, :user, :id, :id, :sha, 'reject', 'no', 'me')"
)
_BACKLOG = sa.text(
    f"""
    WITH owed AS (
        SELECT id, user_id FROM {SCHEMA}.documents WHERE user_id = :user ORDER BY id FOR UPDATE
    )
    INSERT INTO {SCHEMA}.space_backlog (space_id, document_id, user_id)
    SELECT s.id, owed.id, owed.user_id FROM {SCHEMA}.embedding_spaces AS s, owed
    """
)
_SEAL = sa.text(
    f"INSERT INTO {SCHEMA}.report_seals (number, id, kind, user_id, made_at, previous, statement, "
    f"signature) SELECT count(*) + 1, :id, 'report', :user, now(), :sha, :sha, :sha "
    f"FROM {SCHEMA}.report_seals"
)
_REPORT = sa.text(
    f"INSERT INTO {SCHEMA}.report_contents (id, user_id, content, page) VALUES (:id, :user, '', '')"
)
_PARSED = sa.text(
    f"INSERT INTO {SCHEMA}.parsed_files (user_id, file_sha256, parser) VALUES (:user, :sha, 'p')"
)
_ACCESS = sa.text(
    f"INSERT INTO {SCHEMA}.access_log (user_id, actor_id, action) VALUES (:user, :id, :sha)"
)
_UPLOAD = sa.text(
    f"INSERT INTO {SCHEMA}.uploads (id, user_id, name, expires_at) VALUES (:id, :user, :sha, now())"
)
_OBJECT = sa.text(
    f"""
    INSERT INTO {SCHEMA}.unsettled_objects (user_id, stem, holder, held_until)
    VALUES (:user, :sha, :id, now())
    """
)
_SEEN = sa.text(
    f"INSERT INTO {SCHEMA}.source_objects (user_id, source, stamp, size, file_sha256) "
    "VALUES (:user, :sha, 's', 1, :sha)"
)
_QUALITY = sa.text(
    f"""
    INSERT INTO {SCHEMA}.quality_results (user_id, suite, suite_version, rule, title, success,
                                          evaluated, failed, sentence, severity)
    VALUES (:user, 's', '1', 'r', 't', true, 1, 0, :sha, 'critical')
    """
)
_WEBHOOK = sa.text(
    f"""
    INSERT INTO {SCHEMA}.webhook_events (event_id, user_id, event_type, outcome)
    VALUES (:id, :user, 'parse.success', 'ok')
    """
)


@pytest.fixture
async def plain_login(filled: Database, filled_url: str) -> AsyncIterator[Database]:
    """The same database, opened by a login role that is no superuser and owns nothing."""
    role = f"plain_{uuid4().hex[:8]}"
    async with filled.owner() as connection:
        await connection.execute(
            sa.text(f"CREATE ROLE {role} LOGIN NOINHERIT PASSWORD 'only-a-test'")
        )
        await connection.execute(sa.text(f"GRANT {SERVICE_ROLE}, {READER_ROLE} TO {role}"))
    url = driver_url(filled_url).set(username=role, password="only-a-test")
    opened = Database(url.render_as_string(hide_password=False), pool_size=2)
    yield opened
    await opened.close()
    async with filled.owner() as connection:
        await connection.execute(sa.text(f"DROP OWNED BY {role}"))
        await connection.execute(sa.text(f"DROP ROLE {role}"))


async def users_in(database: Database, name: str, user: UUID) -> set[UUID]:
    """Whose rows a reader sees in a table."""
    async with database.reader(user) as connection:
        return set(
            (await connection.execute(sa.text(f"SELECT user_id FROM {SCHEMA}.{name}"))).scalars()
        )


async def test_a_reader_sees_only_its_own_rows_in_every_table(filled: Database) -> None:
    """Each table holds rows of both users, and each reader gets only those of its own."""
    for name in NAMES:
        assert {row["user_id"] for row in await table(filled, name)} == {ANNA, BEN}, name
        for user in (ANNA, BEN):
            assert await users_in(filled, name, user) == {user}, name
        assert await users_in(filled, name, uuid4()) == set(), name


async def test_a_partition_asked_by_its_own_name_gives_nothing_away(filled: Database) -> None:
    """A reader may not read a space's partition directly."""
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
        await users_in(filled, partition(SPACE), ANNA)


async def test_a_partition_binds_those_who_are_granted_it(filled: Database) -> None:
    """Should somebody grant a partition to readers, its own forced policy still binds them."""
    name = f"{SCHEMA}.{partition(SPACE)}"
    async with filled.owner() as connection:
        await connection.execute(sa.text(f"GRANT SELECT ON {name} TO {READER_ROLE}"))
    try:
        assert await users_in(filled, partition(SPACE), ANNA) == {ANNA}
        query = sa.text(
            "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE relname = :name"
        )
        async with filled.owner() as connection:
            assert await connection.scalar(query, {"name": partition(SPACE)})
    finally:
        async with filled.owner() as connection:
            await connection.execute(sa.text(f"REVOKE SELECT ON {name} FROM {READER_ROLE}"))


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO {t} (id, user_id, source, name) VALUES (gen_random_uuid(), '{u}', 's', 'n')",
        "UPDATE {t} SET name = 'x'",
        "DELETE FROM {t}",
        "TRUNCATE {t}",
    ],
)
async def test_a_reader_cannot_write(filled: Database, statement: str) -> None:
    """Not even its own rows."""
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
        async with filled.reader(ANNA) as connection:
            query = statement.format(t=f"{SCHEMA}.documents", u=ANNA)
            await connection.execute(sa.text(query))


async def test_a_login_that_is_no_superuser_sees_nothing_by_itself(plain_login: Database) -> None:
    """Without one of the two roles there is no permission; with them all works as it should."""
    for name in NAMES:
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
            async with plain_login.owner() as connection:
                await connection.execute(sa.text(f"TABLE {SCHEMA}.{name}"))
        assert await users_in(plain_login, name, BEN) == {BEN}
    assert len(await table(plain_login, "documents")) == 4


async def test_the_owner_of_the_tables_is_bound_too(filled: Database) -> None:
    """Row-level security is forced: an owning role that is no superuser sees no user rows."""
    role = f"owning_{uuid4().hex[:8]}"
    async with filled.owner() as connection:
        await connection.execute(sa.text(f"CREATE ROLE {role} NOLOGIN"))
        await connection.execute(sa.text(f"GRANT USAGE, CREATE ON SCHEMA {SCHEMA} TO {role}"))
        with pytest.raises(ZeroDivisionError):  # all of it is undone
            async with connection.begin_nested():
                for name in NAMES:
                    await connection.execute(
                        sa.text(f"ALTER TABLE {SCHEMA}.{name} OWNER TO {role}")
                    )
                await connection.execute(sa.text(f"SET LOCAL ROLE {role}"))
                for name in NAMES:
                    assert await rows(connection, sa.text(f"TABLE {SCHEMA}.{name}")) == [], name
                raise ZeroDivisionError
        await connection.execute(sa.text("RESET ROLE"))
        await connection.execute(sa.text(f"DROP OWNED BY {role}"))
        await connection.execute(sa.text(f"DROP ROLE {role}"))


async def test_a_view_needs_security_invoker(filled: Database) -> None:
    """A plain view of a superuser shows every row, one with security_invoker only the reader's."""
    for options, seen in (("", {ANNA, BEN}), ("WITH (security_invoker)", {ANNA})):
        async with filled.owner() as connection:
            await connection.execute(
                sa.text(
                    f"CREATE VIEW {SCHEMA}.seen {options} AS SELECT user_id FROM {SCHEMA}.documents"
                )
            )
            await connection.execute(sa.text(f"GRANT SELECT ON {SCHEMA}.seen TO {READER_ROLE}"))
        try:
            assert await users_in(filled, "seen", ANNA) == seen
        finally:
            async with filled.owner() as connection:
                await connection.execute(sa.text(f"DROP VIEW {SCHEMA}.seen"))


async def test_our_schema_has_no_view_or_function_that_bypasses(filled: Database) -> None:
    """No view without security_invoker, and no function that runs as its owner."""
    views = sa.text(
        "SELECT relname FROM pg_class WHERE relnamespace = CAST(:s AS regnamespace)"
        " AND relkind IN ('v', 'm')"
        " AND NOT coalesce(reloptions @> ARRAY['security_invoker=true'], false)"
    )
    functions = sa.text(
        "SELECT proname FROM pg_proc WHERE pronamespace = CAST(:s AS regnamespace) AND prosecdef"
    )
    async with filled.owner() as connection:
        for query in (views, functions):
            assert await rows(connection, query, {"s": SCHEMA}) == []


async def test_a_setting_left_on_a_pooled_connection_does_not_leak(
    plain_login: Database,
) -> None:
    """A careless session setting of another user does not reach the next reader's transaction."""
    database = Database(plain_login.engine.url.render_as_string(hide_password=False), pool_size=1)
    async with database.engine.connect() as connection:
        await connection.execute(sa.text(f"SELECT set_config('navigator.user_id', '{BEN}', false)"))
        await connection.commit()
    assert await users_in(database, "documents", ANNA) == {ANNA}
    await database.close()


@pytest.mark.parametrize("value", ["", "not-a-uuid"])
async def test_without_a_proper_user_there_are_no_rows(filled: Database, value: str) -> None:
    """An empty user sees nothing, a malformed one is an error: neither is everybody."""
    async with filled.owner() as connection:
        await connection.execute(
            sa.text(
                "SELECT set_config('role', :r, true), set_config('navigator.user_id', :v, true)"
            ),
            {"r": READER_ROLE, "v": value},
        )
        query = sa.text(f"TABLE {SCHEMA}.document_chunks")
        if value:
            with pytest.raises(sa.exc.DBAPIError, match="invalid input syntax for type uuid"):
                await connection.execute(query)
            await connection.rollback()
        else:
            assert await rows(connection, query) == []


async def _words_of_others(connection: AsyncConnection, user: UUID) -> list[str]:
    """What is taken for words that only the other user's documents have; each finds their own."""
    mistyped = {ANNA: ("annna", "anna"), BEN: ("bennn", "ben")}
    until = UUID(int=2**128 - 1)
    found = await vocabulary.nearby_lexemes(connection, ["annna", "bennn"], until)
    assert mistyped[user][1] in found
    return [own for other, (_, own) in mistyped.items() if other != user and own in found]


@pytest.mark.parametrize("seed", [20261122])
async def test_two_users_on_one_pool_never_see_each_other(plain_login: Database, seed: int) -> None:
    """About a thousand interleaved queries of two users over two connections: no foreign row."""
    choice = random.Random(seed)
    foreign: list[object] = []

    async def session(user: UUID, names: list[str], fails: bool) -> None:
        try:
            async with plain_login.reader(user) as connection:
                for name in names:
                    found = await connection.execute(
                        sa.text(f"SELECT user_id FROM {SCHEMA}.{name}")
                    )
                    foreign.extend(each for each in found.scalars() if each != user)
                foreign.extend(await _words_of_others(connection, user))
                if fails:  # an aborted transaction must not leave its user behind either
                    await connection.execute(sa.text("SELECT 1 / 0"))
        except sa.exc.DBAPIError:
            assert fails

    for _ in range(25):
        await asyncio.gather(
            *(
                session(
                    choice.choice((ANNA, BEN)), choice.choices(NAMES, k=5), choice.random() < 0.1
                )
                for _ in range(8)
            )
        )
    assert foreign == [], f"seed {seed}"


async def test_an_owner_without_superuser_can_set_everything_up(
    postgres_url: str, filled: Database
) -> None:
    """A login that may make roles and databases, as hosted Postgres gives, migrates and works."""
    name = f"hosted_{uuid4().hex[:8]}"
    async with filled.owner() as connection:
        if int(await connection.scalar(sa.text("SHOW server_version_num"))) < 160000:
            pytest.skip("Before Postgres 16 whoever makes a role is a member of it in full.")
        await connection.execute(sa.text(f"CREATE ROLE {name} LOGIN PASSWORD 'only-a-test'"))
        for role in (SERVICE_ROLE, READER_ROLE):  # what making the role gives its maker
            grant = f"GRANT {role} TO {name} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE"
            await connection.execute(sa.text(grant))
    administer(postgres_url, f"CREATE DATABASE {name} OWNER {name}")
    superuser = Database(_named(postgres_url, database=name))
    async with superuser.owner() as connection:
        await connection.execute(sa.text("CREATE EXTENSION vector"))
    await superuser.close()
    try:
        url = _named(postgres_url, database=name, username=name, password="only-a-test")
        await asyncio.to_thread(migrate, url)
        hosted = Database(url)
        await open_space(hosted)
        job = await published(hosted, "a.md", "one", user=ANNA)
        assert await texts_of(hosted, job.document_id) == ["one"]
        assert await users_in(hosted, "document_chunks", BEN) == set()
        async with hosted.owner() as connection:
            assert await rows(connection, sa.text(f"TABLE {SCHEMA}.document_chunks")) == []
        await hosted.close()
    finally:
        administer(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")
        administer(postgres_url, f"DROP OWNED BY {name}")
        administer(postgres_url, f"DROP ROLE {name}")


def _named(
    url: str, *, database: str, username: str | None = None, password: str | None = None
) -> str:
    named = driver_url(url).set(database=database, username=username, password=password)
    return named.render_as_string(hide_password=False)
