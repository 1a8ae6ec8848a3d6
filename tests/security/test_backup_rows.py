"""Rows of a backup are data: they are taken as our tables' rows, or the backup is refused."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from app.stack.archive_reader import reading
from app.stack.backup import save
from app.stack.restore import fill
from pipeline.errors import UsageError
from pipeline.identity import user_id
from pipeline.settings import load_settings
from pipeline.store.dumping import plain, snapshot
from pipeline.store.embedded import stop_embedded
from pipeline.store.embedded_tools import program
from pipeline.store.embedding_spaces import build_indexes
from pipeline.store.engine import Database
from pipeline.store.migrating import migrate
from stages.services import open_services
from tests.app.navigating import Navigator
from tests.conftest import administer, clone
from tests.flows.corpus import policy
from tests.ingesting import ingest
from tests.security.backups import MOST_BYTES, Parts, contents, restored, run_sql

ANNA, BEN = user_id("anna"), user_id("ben")


@dataclass(frozen=True)
class Filled:
    """A database with two users' documents, and its objects."""

    postgres_url: str
    name: str
    url: str
    objects: Path


@pytest.fixture(scope="module")
def filled(
    postgres_url: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Filled]:
    """Two users' documents, published."""
    home = tmp_path_factory.mktemp("home")
    with clone(postgres_url, template) as url:
        settings = load_settings(
            home=home, database_url=url, embedder="wordllama", parse_workers=1, chunk_tokens=64,
            chunk_overlap_tokens=8,
        )  # fmt: skip

        async def fill() -> None:
            async with open_services(settings) as services:
                for user, names in ((ANNA, ("home", "car")), (BEN, ("boat", "hut"))):
                    folder = tmp_path_factory.mktemp("documents")
                    for name in names:
                        policy(folder, name, sections=2)
                    await ingest(services, [folder], user)

        asyncio.run(fill())
        yield Filled(postgres_url, str(sa.make_url(url).database), url, home / "objects")


@pytest.fixture(scope="module")
def saved(filled: Filled, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of them."""
    path = tmp_path_factory.mktemp("backups") / "good.backup"
    assert save(filled.url, filled.objects, path).missing == 0
    return path


@pytest.fixture
def empty(postgres_url: str) -> Iterator[str]:
    """A database in which there is nothing, not even our schema."""
    name = f"navigator_test_{uuid4().hex[:8]}"
    administer(postgres_url, f"CREATE DATABASE {name}")
    try:
        yield sa.make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
    finally:
        administer(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


def hostile(filled: Filled, saved: Path, path: Path, *statements: str) -> Path:
    """A well-formed backup of a database that its owner has altered at will."""
    parts = Parts.of(saved)
    with clone(filled.postgres_url, filled.name) as url:
        run_sql(url, *statements)
        with snapshot(url) as held:
            for name in held.columns:
                parts.files[f"tables/{name}/000001"] = b"".join(held.table(name))
            for name, rows in held.rows.items():
                parts.manifest["tables"][name]["rows"] = rows
    return parts.seal().write(path)


def documents(url: str) -> int:
    """How many documents a database holds, with our schema or without it."""
    [(there,)] = run_sql(url, "SELECT to_regclass('upload_pipeline.documents') IS NOT NULL")
    return int(run_sql(url, "SELECT count(*) FROM upload_pipeline.documents")[0][0]) if there else 0


def test_what_comes_back_is_what_was_saved(
    filled: Filled, saved: Path, empty: str, tmp_path: Path
) -> None:
    """Every row of every table and every object is the same, hash by hash, for its owner only."""
    assert restored(empty, saved, tmp_path / "objects") == 0
    assert contents(empty) == contents(filled.url)

    def files(folder: Path) -> dict[str, bytes]:
        found = (path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): path.read_bytes() for path in found}

    assert files(tmp_path / "objects") == files(filled.objects)
    for path in (tmp_path / "objects", *(tmp_path / "objects").rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600)
    # New rows are numbered after the restored ones.
    new = "INSERT INTO upload_pipeline.job_events (user_id, event, actor) VALUES ('{}', 'x', 'x')"
    [(number, highest)] = run_sql(
        empty,
        new.format(ANNA) + " RETURNING id, (SELECT max(id) FROM upload_pipeline.job_events)",
    )
    assert number == highest + 1


def test_the_schema_is_our_migrations_alone(
    filled: Filled, saved: Path, template: str, empty: str, tmp_path: Path
) -> None:
    """Views, functions, triggers and defaults of the saved database are not in the restored one."""
    mark = tmp_path / "executed"
    path = hostile(
        filled, saved, tmp_path / "hostile.backup",
        "CREATE FUNCTION upload_pipeline.evil() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
        f" AS $$ BEGIN COPY (SELECT 1) TO PROGRAM 'touch {mark}'; RETURN NEW; END $$",
        "CREATE TRIGGER evil BEFORE INSERT ON upload_pipeline.documents"
        " FOR EACH ROW EXECUTE FUNCTION upload_pipeline.evil()",
        "CREATE MATERIALIZED VIEW upload_pipeline.evil_view AS SELECT 1 AS one",
        "CREATE TABLE upload_pipeline.evil_table (x text)",
        "ALTER TABLE upload_pipeline.documents DISABLE ROW LEVEL SECURITY",
        "GRANT ALL ON upload_pipeline.documents TO navigator_reader",
    )  # fmt: skip
    restored(empty, path, tmp_path / "objects")
    assert documents(empty) == 4
    assert not mark.exists()
    own = (
        "WHERE relnamespace = 'upload_pipeline'::regnamespace AND NOT relispartition"
        " AND relname NOT LIKE 'chunk_vectors_%'"
    )
    for question in (
        f"SELECT relname, relkind, relrowsecurity, relacl::text FROM pg_class {own} ORDER BY 1",
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1",
        "SELECT proname FROM pg_proc WHERE pronamespace = 'upload_pipeline'::regnamespace"
        " ORDER BY 1",
    ):
        with clone(filled.postgres_url, template) as migrated:
            ours = run_sql(migrated, question)
        assert run_sql(empty, question) == ours


def test_rows_are_loaded_by_the_pipelines_role(
    saved: Path, database_url: str, tmp_path: Path
) -> None:
    """Every INSERT is made by a role that is neither a superuser nor the tables' owner."""
    run_sql(
        database_url,
        "CREATE FUNCTION public.who() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF current_user <> 'navigator_service' THEN RAISE 'loaded by %', current_user; END IF;"
        " RETURN NEW; END $$",
        *(
            f"CREATE TRIGGER who BEFORE INSERT ON upload_pipeline.{table}"
            " FOR EACH ROW EXECUTE FUNCTION public.who()"
            for table in Parts.of(saved).manifest["tables"]
        ),
    )
    restored(database_url, saved, tmp_path / "objects")
    assert documents(database_url) == 4


def test_a_refusal_leaves_the_home_empty(filled: Filled, saved: Path, scratch: Path) -> None:
    """Rows that turn out not to be fit when Postgres runs already leave nothing behind."""
    home = scratch / f"refused-{uuid4().hex[:8]}"
    change = f"UPDATE upload_pipeline.document_chunks SET user_id = {OTHER}"
    path = hostile(filled, saved, scratch / f"{home.name}.backup", change)
    refused = Navigator(home).here("restore", path)
    assert (refused.code, MIXED in refused.err) == (2, True)
    assert list(home.iterdir()) == []
    restored_ = Navigator(home).here("restore", saved, "--json")
    assert (restored_.code, restored_.json["documents"]) == (0, 4)
    stop_embedded(home / "postgres")


async def test_an_index_is_built_again(filled: Filled, database_url: str, tmp_path: Path) -> None:
    """A space that had an index when it was saved has one after it was restored."""
    with clone(filled.postgres_url, filled.name) as url:
        run_sql(url, "UPDATE upload_pipeline.embedding_spaces SET indexed_at = now()")
        save(url, filled.objects, tmp_path / "b")
    restored(database_url, tmp_path / "b", tmp_path / "objects")
    question = "SELECT count(*) FROM pg_indexes WHERE indexname LIKE '%_hnsw'"
    assert run_sql(database_url, question) == [(0,)]
    database = Database(database_url)
    await build_indexes(database, 1)
    await database.close()
    assert run_sql(database_url, question) == [(1,)]


OTHER = f"'{UUID(int=7)}'"
FREE = (  # what an attacker's own database no longer checks
    "DO $$ DECLARE c record; BEGIN FOR c IN SELECT conrelid::regclass AS t, conname FROM"
    " pg_constraint WHERE connamespace = 'upload_pipeline'::regnamespace AND contype IN"
    " ('c', 'f', 'u', 'p') AND conparentid = 0 AND conislocal ORDER BY contype = 'p' LOOP BEGIN"
    " EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', c.t, c.conname);"
    " EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP; END $$;"
    "DROP TRIGGER upload_jobs_legal_transition ON upload_pipeline.upload_jobs;"
    "DROP TRIGGER job_events_erased_only ON upload_pipeline.job_events"
)
MIXED, ELSEWHERE, REFUSED = "mixes up the rows", "not its user's", "does not take (SQLSTATE"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (f"UPDATE document_chunks SET user_id = {OTHER}", MIXED),
        (f"UPDATE chunk_vectors SET user_id = {OTHER}", MIXED),
        (f"UPDATE documents SET user_id = {OTHER} WHERE name = 'home.md'", MIXED),
        (
            "UPDATE documents SET parent_id = (SELECT id FROM documents WHERE name = 'boat.md')"
            " WHERE name = 'home.md'",
            MIXED,
        ),
        (
            "UPDATE documents SET published_job_id = (SELECT published_job_id FROM documents"
            " WHERE name = 'boat.md') WHERE name = 'home.md'",
            "version is another document's",
        ),
        ("UPDATE upload_jobs SET storage_key = '../../../etc/passwd'", ELSEWHERE),
        (f"UPDATE upload_jobs SET storage_key = {OTHER} || '/raw/' || file_sha256", ELSEWHERE),
        ("UPDATE upload_jobs SET storage_key = storage_key || E'\\n'", ELSEWHERE),
        ("UPDATE upload_jobs SET parsed_key = user_id || '/parsed/../../x.json'", ELSEWHERE),
        ("UPDATE parsed_files SET storage_key = '/etc/passwd'", ELSEWHERE),
        (
            f"INSERT INTO unsettled_objects VALUES ({OTHER}, '../{{}}', {OTHER}, now())",
            ELSEWHERE,
        ),
        ("UPDATE upload_jobs SET state = 'owned'", REFUSED + " 23514"),
        (f"UPDATE upload_jobs SET document_id = {OTHER}", REFUSED + " 23503"),
        ("INSERT INTO documents SELECT * FROM documents", REFUSED + " 23505"),
        ("UPDATE document_chunks SET ordinal = 0", REFUSED + " 23505"),
        (
            "ALTER TABLE documents ALTER name DROP NOT NULL; UPDATE documents SET name = NULL",
            REFUSED + " 23502",
        ),
        ("UPDATE embedding_spaces SET dimension = dimension - 1", REFUSED + " 23514"),
        ("UPDATE embedding_spaces SET dimension = 2000000000", REFUSED + " 23514"),
        ("ALTER TABLE documents ALTER versions TYPE text", REFUSED + " 08P01"),
        ("ALTER TABLE upload_jobs ALTER notes TYPE text USING repeat('[', 9)", REFUSED),
        (
            "DROP INDEX documents_tags_idx; ALTER TABLE documents ALTER tags DROP DEFAULT,"
            " ALTER tags TYPE bytea USING '\\x00'",
            REFUSED,
        ),
        (
            "INSERT INTO job_events (id, user_id, event, actor) OVERRIDING SYSTEM VALUE"
            f" VALUES (9223372036854775807, {OTHER}, 'x', 'x')",
            "numbers that nobody gave out",
        ),
        (
            "INSERT INTO embedding_spaces (id, provider, model, dimension, version) SELECT"
            " gen_random_uuid(), 'x', 'x', 1, 'x' FROM generate_series(1, 1001)",
            "more than 1,000 embedding spaces",
        ),
    ],
    ids=str,
)
def test_rows_that_do_not_belong_are_refused(
    filled: Filled, saved: Path, database_url: str, tmp_path: Path, change: str, said: str
) -> None:
    """The backup of an altered database is refused in a sentence, and no row of it stays."""
    path = hostile(
        filled,
        saved,
        tmp_path / "hostile.backup",
        FREE,
        "SET search_path = upload_pipeline",
        change,
    )
    with pytest.raises(UsageError) as caught:
        restored(database_url, path, tmp_path / "objects")
    assert said in caught.value.message
    assert caught.value.message.endswith(".")
    assert "passwd" not in caught.value.message
    assert documents(database_url) == 0


def _with(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda tables: tables.update({name: dict(tables["uploads"])})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda tables: tables.pop("documents"), "lacks the table documents"),
        (_with("state_transitions"), "not one of ours"),
        (_with("alembic_version"), "not one of ours"),
        (_with("pg_authid"), "not one of ours"),
        (lambda tables: tables["documents"]["columns"].append("extra"), "other columns"),
        (lambda tables: tables["documents"]["columns"].append("name"), "other columns"),
        (lambda tables: tables["documents"]["columns"].remove("tags"), "other columns"),
        (lambda tables: tables["documents"].update(rows=5), "not the rows that it tells of"),
    ],
)
def test_tables_and_columns_are_ours(
    saved: Path,
    database_url: str,
    tmp_path: Path,
    change: Callable[[dict[str, Any]], object],
    said: str,
) -> None:
    """Only our tables are filled, and of them all our columns: no more and no fewer."""
    parts = Parts.of(saved)
    change(parts.manifest["tables"])
    for name in [each for each in parts.files if each.startswith("tables/")]:
        if name.split("/")[1] not in parts.manifest["tables"]:
            del parts.files[name]
    with pytest.raises(UsageError) as caught:
        restored(database_url, parts.seal().write(tmp_path / "b"), tmp_path / "objects")
    assert said in caught.value.message
    assert documents(database_url) == 0


def test_objects_are_those_that_rows_name(saved: Path, empty: str, tmp_path: Path) -> None:
    """An object of nobody is refused; one that was deleted during the backup is counted."""
    parts = Parts.of(saved)
    keys = [name for name in parts.files if name.startswith("objects/")]
    first = parts.files.pop(keys[0])
    assert restored(empty, parts.seal().write(tmp_path / "less"), tmp_path / "less-objects") == 1
    more = keys[0].replace("/parsed/", f"/parsed/{'0' * 64}x/")[:52] + f"{'0' * 64}/a.json"
    parts.files = {**_before(parts.files), more: first, **_objects(parts.files)}
    migrate(empty)
    run_sql(empty, "DROP SCHEMA upload_pipeline CASCADE")
    with pytest.raises(UsageError, match="none of its rows names"):
        restored(empty, parts.seal().write(tmp_path / "more"), tmp_path / "more-objects")


def _objects(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: files[name] for name in files if name.startswith("objects/")}


def _before(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: files[name] for name in files if not name.startswith("objects/")}


@pytest.mark.parametrize("key", ["/etc/passwd", "../../outside", "{}/raw/../../outside"])
def test_a_backup_saves_nothing_from_elsewhere(filled: Filled, tmp_path: Path, key: str) -> None:
    """A row whose key leads out of the objects' folder is told, and no file is written."""
    with clone(filled.postgres_url, filled.name) as url:
        run_sql(url, f"UPDATE upload_pipeline.upload_jobs SET storage_key = '{key.format(ANNA)}'")
        with pytest.raises(UsageError, match="cannot be one of ours"):
            save(url, filled.objects, tmp_path / "b")
    assert list(tmp_path.iterdir()) == []


def test_deleted_documents_are_not_counted(filled: Filled, empty: str, tmp_path: Path) -> None:
    """A backup and its restore tell of as many documents as `navigator list` shows."""
    path = tmp_path / "b"
    with clone(filled.postgres_url, filled.name) as url:
        run_sql(
            url,
            "UPDATE upload_pipeline.documents SET deleted_at = now(), published_job_id = NULL"
            " WHERE source LIKE '%boat%'",
        )
        assert save(url, filled.objects, path).documents == 3
    with reading(path, MOST_BYTES) as archive:
        assert fill(empty, archive, tmp_path / "objects") == (3, 0)


def test_a_backup_is_one_moment(filled: Filled, empty: str, tmp_path: Path) -> None:
    """What is deleted or added while rows are read changes nothing of what is saved."""
    with clone(filled.postgres_url, filled.name) as url, snapshot(url) as held:
        before = {name: b"".join(held.table(name)) for name in held.columns}
        run_sql(url, "DELETE FROM upload_pipeline.documents")
        assert {name: b"".join(held.table(name)) for name in held.columns} == before
        assert held.rows["documents"] == 4
        assert len(list(held.objects())) == 8


@pytest.mark.parametrize("revision", ["0001", "0003", "0005"])
def test_a_backup_of_an_older_schema_is_brought_to_the_newest(
    filled: Filled, empty: str, tmp_path: Path, revision: str
) -> None:
    """Rows are loaded into the schema that they were saved from, which is then migrated."""
    with clone(filled.postgres_url, filled.name) as url:
        run_sql(url, "DELETE FROM upload_pipeline.documents")
        _downgrade(url, revision)
        save(url, filled.objects, tmp_path / "old.backup")
    restored(empty, tmp_path / "old.backup", tmp_path / "objects")
    assert run_sql(empty, "SELECT version_num FROM upload_pipeline.alembic_version") == run_sql(
        filled.url, "SELECT version_num FROM upload_pipeline.alembic_version"
    )
    [(runs,)] = run_sql(empty, "SELECT count(*) FROM upload_pipeline.ingest_runs")
    assert runs == 2


def _downgrade(url: str, revision: str) -> None:
    from alembic import command

    from pipeline.store.database_urls import driver_url
    from pipeline.store.migrating import alembic_config

    engine = sa.create_engine(driver_url(url))
    with engine.connect() as connection:
        command.downgrade(alembic_config(connection), revision)
        connection.commit()
    engine.dispose()


@pytest.mark.parametrize("revision", ["9999", "0", "head", "", "base", "0005@x", "../0001"])
def test_an_unknown_schema_is_refused(saved: Path, tmp_path: Path, revision: str) -> None:
    """A revision that this program does not have is told, and nothing is made."""
    parts = Parts.of(saved)
    parts.manifest["revision"] = revision
    home = tmp_path / "home"
    refused = Navigator(home).here("restore", parts.write(tmp_path / "b"))
    assert refused.code == 2
    assert "which this program does not know" in refused.err
    assert list(home.iterdir()) == []


def test_sql_of_an_older_backup_is_not_executed(
    filled: Filled, saved: Path, tmp_path: Path
) -> None:
    """A dump whose materialized view runs a program is refused, with the way to take it in."""
    mark, dump = tmp_path / "executed", tmp_path / "database.dump"
    with clone(filled.postgres_url, filled.name) as url:
        run_sql(
            url,
            "CREATE FUNCTION upload_pipeline.evil() RETURNS int LANGUAGE plpgsql AS $$ BEGIN"
            f" COPY (SELECT 1) TO PROGRAM 'touch {mark}'; RETURN 1; END $$",
            "CREATE MATERIALIZED VIEW upload_pipeline.evil_view AS"
            " SELECT upload_pipeline.evil() AS one WITH NO DATA",
        )
        subprocess.run(
            [program("pg_dump"), "--format=custom", f"--file={dump}", f"--dbname={plain(url)}"],
            check=True,
        )
    parts = Parts.of(saved)
    parts.manifest |= {"format": 1, "rows": {}, "dump_sha256": "", "objects": {}}
    parts.files = {"database.dump": dump.read_bytes()}
    home = tmp_path / "home"
    refused = Navigator(home).here("restore", parts.write(tmp_path / "old.backup"))
    assert refused.code == 2
    assert "holds SQL, which is not executed" in refused.err
    assert "with the release that made it" in refused.err
    assert not mark.exists()
    assert list(home.iterdir()) == []


def test_a_backup_does_not_say_where_texts_and_keys_are_sent(
    filled: Filled, saved: Path, empty: str, tmp_path: Path
) -> None:
    """Spaces come back with the one that answers; how their embedders are opened does not."""
    space = "(SELECT id FROM upload_pipeline.embedding_spaces LIMIT 1)"
    path = hostile(
        filled, saved, tmp_path / "hostile.backup",
        "UPDATE upload_pipeline.embedding_spaces SET filled_since = now(), settings ="
        ' \'{"embedder": "openai", "openai_base_url": "https://evil.example/v1",'
        ' "api_key": "env:HOME", "tokenizer": "cl100k_base"}\'',
        f"UPDATE upload_pipeline.installation SET active_space_id = {space}",
    )  # fmt: skip
    restored(empty, path, tmp_path / "objects")
    found = run_sql(
        empty,
        "SELECT i.active_space_id = s.id, s.filled_since IS NOT NULL, s.settings"
        " FROM upload_pipeline.installation AS i, upload_pipeline.embedding_spaces AS s",
    )
    assert found == [(True, True, {"tokenizer": "cl100k_base"})]
