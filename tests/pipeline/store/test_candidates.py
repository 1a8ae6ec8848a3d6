"""Which documents a backfill finds: each filter, each named set, and what is left to others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from pipeline.backfill_choice import BackfillChoice, Select
from pipeline.store.candidates import Wanted, Work, candidates, work_of
from pipeline.store.engine import Database
from pipeline.store.registration import PipelineVersion
from tests.pipeline.store.making import BEN, SPACE, VERSION, open_space, register, source

TODAY = PipelineVersion("local-2", "markdown-1:400/50", SPACE)
SUITES = {"fidelity": "aaaa", "chunks": "bbbb", "vectors": "cccc"}


@pytest.fixture
async def corpus(database: Database) -> AsyncIterator[Database]:
    """Documents of two users in several states, made by two pipelines."""
    await open_space(database)
    await register(database, [source("a/old.md"), source("a/b/deep.md")], tags=["2025"])
    new = [source("ab/new.md"), source("zip.eml#1/in.pdf"), source("zip.eml")]
    await register(database, new, version=TODAY, tags=["2026", "home"])
    await register(database, [source("bens.md")], BEN, version=TODAY)
    yield database


async def found(database: Database, select: Select = "waiting", **given: Any) -> set[str]:
    """The names that a choice finds; `user` and `days` beside its filters."""
    asked = Wanted(
        select, TODAY, SUITES, user_id=given.pop("user", None),
        older_than_days=given.pop("days", None), choice=BackfillChoice(**given),
    )  # fmt: skip
    async with database.service() as connection:
        return {each.name for each in await candidates(connection, asked, uuid4())}


async def put(database: Database, name: str, changes: str) -> None:
    """Change the job of one document, as its stages would."""
    async with database.login() as connection:
        await connection.execute(
            sa.text("ALTER TABLE upload_pipeline.upload_jobs DISABLE TRIGGER USER")
        )
        statement = f"""
            UPDATE upload_pipeline.upload_jobs AS j SET {changes}
            FROM upload_pipeline.documents AS d WHERE d.latest_job_id = j.id AND d.name = :name
        """
        await connection.execute(sa.text(statement), {"name": name})


ALL = {"a/old.md", "a/b/deep.md", "ab/new.md", "zip.eml#1/in.pdf", "zip.eml", "bens.md"}


OLD, NEW = {"a/old.md", "a/b/deep.md"}, {"ab/new.md", "zip.eml#1/in.pdf", "zip.eml"}
LATER = datetime.now(UTC) + timedelta(hours=1)
FILTERS: list[tuple[dict[str, Any], set[str]]] = [
    ({}, ALL),
    ({"user": BEN}, {"bens.md"}),
    ({"source": "/files/a"}, OLD),
    ({"source": "/files/a/"}, OLD),
    ({"source": "/files/zip.eml"}, {"zip.eml", "zip.eml#1/in.pdf"}),
    ({"source": "/files/a*/*.md"}, OLD | {"ab/new.md"}),
    ({"source": "/files/a_"}, set()),
    ({"source": "/files/a_*"}, set()),
    ({"source": "/files/%"}, set()),
    ({"tags": ["2026"]}, NEW),
    ({"tags": ["2026", "other"]}, set()),
    ({"states": ["waiting"]}, ALL),
    ({"states": ["failed"]}, set()),
    ({"pipeline": "other"}, OLD),
    ({"pipeline": "local-1"}, OLD),
    ({"pipeline": "tiny"}, ALL),
    ({"since": LATER}, set()),
    ({"until": LATER}, ALL),
    ({"days": 1}, set()),
]


async def test_each_filter_leaves_out_what_does_not_fit(corpus: Database) -> None:
    """A folder is not the beginning of another's name; signs of SQL's patterns are but letters."""
    for given, names in FILTERS:
        assert await found(corpus, **given) == names, given


async def test_published_documents_have_to_have_something_to_do(corpus: Database) -> None:
    """Made by today's pipeline they are passed over, unless their suites are asked for."""
    for name in ALL:
        await put(corpus, name, "state = 'complete', suites = '{\"fidelity\": \"aaaa\"}'")
    await put(corpus, "ab/new.md", 'suites = \'{"fidelity": "old"}\'')
    assert await found(corpus, "chosen", tags=["2026"]) == set()
    assert await found(corpus, "chosen", source="/files/a") == {"a/old.md", "a/b/deep.md"}
    assert await found(corpus, "chosen", suite="other") == {"ab/new.md"}
    assert await found(corpus, "chosen", suite="old") == {"ab/new.md"}
    assert await found(corpus, "rejudge") == {"ab/new.md"}
    await put(corpus, "bens.md", "suites = '{}'")
    assert await found(corpus, "rejudge") == {"ab/new.md", "bens.md"}, "versions were not kept then"


FAILED = "state = 'failed_parse', failures = 1, error_code = "
SETS: list[tuple[str, set[Select]]] = [
    (f"{FAILED} 'parse_timeout'", {"nightly", "failed"}),
    ("state = 'failed_parse', error_code = 'parse_timeout', failures = 4", {"failed"}),
    (f"{FAILED} 'file_is_broken'", {"failed"}),
    (f"{FAILED} 'parser_crashed', finished_at = now(), acknowledged_at = now()", set()),
    (
        "acknowledged_at = NULL, state = 'quarantined', error_code = NULL, "
        'suites = \'{"chunks": "bbbb"}\'',
        {"failed"},
    ),
    ('suites = \'{"chunks": "old"}\'', {"failed", "rejudge", "nightly"}),
    ("state = 'complete_with_gaps', suites = '{\"chunks\": \"bbbb\"}'", {"gaps"}),
    ("state = 'cancelled'", set()),
    ("state = 'uploaded'", {"waiting"}),
    ("stopped = 'stopped_by_person'", set()),
    ("stopped = NULL, claimed_by = 'x/1/1/1', lease_until = now() + interval '1 hour'", set()),
    ("lease_until = now() - interval '1 hour'", {"waiting"}),
]


async def test_each_set_takes_what_it_says(corpus: Database) -> None:
    """What a person stopped, cancelled or acknowledged, or who works on it, is in none."""
    named: list[Select] = ["waiting", "failed", "gaps", "rejudge", "nightly"]
    for changes, sets in SETS:
        await put(corpus, "ab/new.md", changes)
        inside = {each for each in named if "ab/new.md" in await found(corpus, each)}
        assert inside == sets, changes


async def test_what_a_living_run_owns_is_left_to_it(corpus: Database) -> None:
    """Until its lease runs out."""
    async with corpus.login() as connection:
        await connection.execute(
            sa.text(
                "UPDATE upload_pipeline.ingest_runs SET held_by = 'else/1/1/1', "
                "held_until = now() + interval '1 hour' WHERE id IN "
                "(SELECT run_id FROM upload_pipeline.upload_jobs WHERE user_id = :user)"
            ),
            {"user": BEN},
        )
    assert await found(corpus) == ALL - {"bens.md"}


WORKS: list[tuple[str, PipelineVersion, bool, Select, Work]] = [
    ("uploaded", TODAY, True, "waiting", Work.GO_ON),
    ("uploaded", VERSION, False, "waiting", Work.RENEW),
    ("failed_parse", TODAY, True, "failed", Work.RETRY),
    ("quarantined", VERSION, True, "failed", Work.RENEW),
    ("complete", VERSION, True, "outdated", Work.RENEW),
    ("complete", TODAY, True, "rejudge", Work.JUDGE_AGAIN),
    ("complete_with_gaps", TODAY, True, "gaps", Work.READ_AGAIN),
]


async def test_what_is_done_follows_from_state_and_pipeline(corpus: Database) -> None:
    """What failed is tried again, what others made is renewed, what is published judged or read."""
    for state, version, able, select, work in WORKS:
        await put(corpus, "bens.md", f"state = '{state}', parser = '{version.parser}'")
        asked = Wanted(select, TODAY, SUITES, user_id=BEN)
        async with corpus.service() as connection:
            [each] = await candidates(connection, asked, uuid4())
        assert work_of(each, asked, able=able) is work, (state, select)


def test_a_state_that_there_is_not_is_refused() -> None:
    """The sentence names those that there are."""
    with pytest.raises(ValidationError, match="One of: published, gaps, failed"):
        BackfillChoice(states=["broken"])


def test_a_moment_without_a_zone_is_utc() -> None:
    """Nobody's machine decides what a date means."""
    assert BackfillChoice(since=datetime(2026, 1, 1)).since == datetime(2026, 1, 1, tzinfo=UTC)
