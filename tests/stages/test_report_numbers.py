"""The quality report's numbers add up, on five histories of everything that befalls documents.

Every number is computed a second time from the raw tables, in Python and not in the report's SQL.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from checks.report_data import ReportData
from checks.report_json import report_json
from flows.report_builder import report_data
from pipeline.identity import CANARY, user_id
from pipeline.states import FAILED, PUBLISHED, WORKING, JobState
from pipeline.store import canaries, service_calls
from pipeline.store.acknowledging import acknowledge
from pipeline.store.deletion import delete_documents
from pipeline.store.service_calls import ServiceCall
from pipeline.store.transitions import Actor
from stages.erasing import erase
from stages.retrying import retry_jobs
from stages.services import Services
from tests.flows.corpus import Opener, change, policy, query
from tests.ingesting import ingest, work_off

PERSON = Actor("person")
Rows = list[dict[str, Any]]


class History:
    """What befalls the documents of two users, one of whom is erased in the end."""

    def __init__(self, services: Services, folder: Path, seed: int) -> None:
        self.services = services
        self.chance = random.Random(seed)
        self.folder = folder
        self.seed = seed
        self.users = [user_id(f"{name}-{seed}") for name in ("anna", "ben")]
        self.runs: list[UUID] = []

    async def happen(self) -> None:
        """Take files in, change, move, break, retry, acknowledge, delete and erase them."""
        for user in self.users:
            place = self.folder / f"{self.seed}-{user.hex[:6]}"
            place.mkdir()
            for number in range(self.chance.randint(2, 3)):
                policy(place, f"{number}-{self.seed}", self.chance.randint(1, 3))
            (place / "broken.pdf").write_bytes(b"%PDF-1.7\nno more")
            (place / "garbage.md").write_text("# x\n\n" + "\ufffd \x00 qz\ufffd " * 300)
            self.runs.append(await ingest(self.services, [place], user))
            await self._later(place, user)
        await self._verified()
        await self._asked()
        await erase(
            self.services.database, self.services.storage, self.services.settings, self.users[1],
            uuid4(),
        )  # fmt: skip

    async def _later(self, place: Path, user: UUID) -> None:
        policy(place, f"0-{self.seed}", extra="Changed since.")
        (place / f"1-{self.seed}.md").rename(place / "moved.md")
        self.runs.append(await ingest(self.services, [place], user))
        failed = await self._jobs(user, FAILED)
        async with self.services.database.service() as connection:
            await acknowledge(connection, failed[:1], PERSON)
        again, run = self.chance.sample(failed, 1), uuid4()
        await work_off(self.services, await retry_jobs(self.services, user, run, again), run)
        self.runs.append(run)
        published = await self._jobs(user, PUBLISHED, "document_id")
        async with self.services.database.service() as connection:
            await delete_documents(connection, published[:1], PERSON)

    async def _verified(self) -> None:
        """Canaries, some of them forgotten: neither documents nor cost of anybody."""
        place = self.folder / f"{self.seed}-canary"
        place.mkdir()
        policy(place, "canary")
        run = await ingest(self.services, [place], CANARY)
        await change(
            self.services,
            "UPDATE upload_pipeline.service_calls SET user_id = NULL, run_id = :run "
            "WHERE run_id = :was",
            run=canaries.RUN,
            was=run,
        )

    async def _asked(self) -> None:
        """Questions, a failed request, and one for documents of several users at once."""
        for user, run, outcome in (
            (self.users[0], None, "ok"), (self.users[1], self.runs[0], "service_unavailable"),
            (None, self.runs[0], "ok"),
        ):  # fmt: skip
            tokens = self.chance.randint(1, 900)
            call = ServiceCall(
                "openai/large", "question", outcome, 0.1, tokens=tokens, user_id=user, run_id=run
            )
            async with self.services.database.service() as connection:
                await service_calls.record(connection, call)

    async def _jobs(self, user: UUID, states: Iterable[str], column: str = "id") -> list[UUID]:
        found = await query(
            self.services,
            f"SELECT {column} AS id FROM upload_pipeline.upload_jobs "
            # of one version first, so that what is deleted is not what was superseded
            "WHERE user_id = :user AND state = ANY(:states) ORDER BY version, id",
            user=user,
            states=list(states),
        )
        return [row["id"] for row in found]


class Raw:
    """Every table that the report reads, as it is."""

    def __init__(self, tables: dict[str, Rows]) -> None:
        self.tables = tables

    @classmethod
    async def read(cls, services: Services) -> Raw:
        names = (
            "upload_jobs", "documents", "service_calls", "quality_results", "run_jobs",
            "ingest_runs", "document_chunks", "job_events",
        )  # fmt: skip
        async with services.database.service() as connection:
            found = {
                name: [
                    dict(row)
                    for row in (
                        await connection.execute(sa.text(f"SELECT * FROM {name}"))
                    ).mappings()
                ]
                for name in names
            }
        return cls(found)

    def of(self, name: str, user: UUID | None) -> Rows:
        """A user's rows; with None everybody's but the canaries'."""
        rows = self.tables[name]
        if user is not None:
            return [row for row in rows if row["user_id"] == user]
        return [
            row
            for row in rows
            if row["user_id"] not in canaries.USERS and row.get("run_id") != canaries.RUN
        ]


def agree(data: ReportData, raw: Raw, user: UUID | None, run: UUID | None) -> None:
    """Make sure that a report says what the tables hold, and that its sums are sums."""
    jobs, calls, results = (
        raw.of(name, user) for name in ("upload_jobs", "service_calls", "quality_results")
    )
    if run is not None:
        taken = {row["job_id"] for row in raw.tables["run_jobs"] if row["run_id"] == run}
        jobs = [row for row in jobs if row["id"] in taken]
        calls, results = (
            [row for row in rows if row["run_id"] == run] for rows in (calls, results)
        )
    _documents_agree(data, jobs)
    _calls_agree(data, calls)
    _verdicts_agree(data, jobs, results)
    ids = {row["id"] for row in jobs}
    published = {row["id"] for row in raw.tables["documents"] if row["published_job_id"] in ids}
    chunks = [r for r in raw.tables["document_chunks"] if r["document_id"] in published]
    assert data.duplicates.chunks == data.chunk_sizes.total == len(chunks)
    assert data.duplicates.distinct == len({row["sha256"] for row in chunks})
    acts = [
        row
        for row in raw.tables["job_events"]
        if row["actor"] == "person" and row["event"] != "registered" and row["job_id"] in ids
        and (run is None or row["run_id"] in (None, run))
    ]  # fmt: skip
    assert len(data.decisions) == len(acts)


def _documents_agree(data: ReportData, jobs: Rows) -> None:
    assert data.totals.versions == len(jobs) == len(data.versions)
    assert data.totals.documents == len({row["document_id"] for row in jobs})
    for name in ("pages", "chunks", "tokens"):
        assert getattr(data.totals, name) == sum(row[name] or 0 for row in jobs), name
    states = Counter(row["state"] for row in jobs)
    assert {each.state: each.documents for each in data.states} == states
    assert Counter(each.state for each in data.versions) == states
    others = data.count(JobState.CANCELLED, JobState.SUPERSEDED, JobState.DELETED)
    assert data.published + data.failing + data.waiting + others == data.totals.versions
    assert data.published == sum(row["state"] in PUBLISHED for row in jobs)
    assert len(data.failed) == data.failing == sum(row["state"] in FAILED for row in jobs)
    assert data.waiting == sum(row["state"] in WORKING for row in jobs)
    assert sum(each.versions for each in data.pipelines) == len(jobs)
    counted = [row["personal_data"] for row in jobs if row["personal_data"] is not None]
    assert data.uncounted == len(jobs) - len(counted)
    assert {each.kind: each.found for each in data.personal} == sum(
        (Counter(each) for each in counted), Counter()
    )
    if data.scope.run_id is None:
        ended = [row for row in jobs if row["finished_at"] is not None]
        assert sum(day.documents for day in data.days) == len(ended)
        assert sum(day.failed for day in data.days) == data.failing


def _calls_agree(data: ReportData, calls: Rows) -> None:
    assert data.totals.calls == len(calls)
    assert data.totals.billed_tokens == sum(row["tokens"] for row in calls)
    for spent in (data.spend_by_day, data.spend_by_run, data.spend_by_model, data.spend_by_owner):
        assert sum(each.calls for each in spent) == data.totals.calls
        assert sum(each.tokens for each in spent) == data.totals.billed_tokens


def _verdicts_agree(data: ReportData, jobs: Rows, results: Rows) -> None:
    quarantined = sum(row["state"] == JobState.QUARANTINED for row in jobs)
    assert sum(suite.documents_failed for suite in data.suites) == quarantined
    for suite in data.suites:
        judged = [row for row in jobs if row["suites"].get(suite.suite) == suite.version]
        assert suite.documents == len(judged)
    for rule in data.rules:
        rows = [
            row for row in results
            if (row["suite"], row["suite_version"], row["rule"])
            == (rule.suite, rule.version, rule.rule)
        ]  # fmt: skip
        batches = [row for row in rows if row["job_id"] is None]
        assert rule.evaluated == sum(row["evaluated"] for row in batches)
        assert rule.failed == sum(row["failed"] for row in batches)
        assert rule.documents_failed == len({row["job_id"] for row in rows} - {None})
    trends = {(each.suite, each.rule): each.failed for each in data.trends}
    for key, failed in trends.items():
        same = [rule.failed for rule in data.rules if (rule.suite, rule.rule) == key]
        assert failed == sum(same)


@pytest.mark.parametrize(
    "seeds", [(1, 2), pytest.param((3, 4, 5), marks=pytest.mark.long)], ids=["two", "three-more"]
)
async def test_the_numbers_of_five_histories_add_up(
    local: Opener, tmp_path: Path, seeds: tuple[int, ...]
) -> None:
    """Of all, of each user and of each run; a user's report is what a user may see."""
    async with local() as services:
        seen: Counter[str] = Counter()
        for seed in seeds:
            history = History(services, tmp_path, seed)
            await history.happen()
            raw = await Raw.read(services)
            everybody = await report_data(services.database)
            agree(everybody, raw, None, None)
            seen.update(each.state for each in everybody.versions)
            for user in history.users:
                agree(await report_data(services.database, user_id=user), raw, user, None)
            for run in history.runs[::4]:
                agree(await report_data(services.database, run_id=run), raw, None, run)
        assert set(seen) >= {"complete", "failed_parse", "quarantined", "superseded", "deleted"}
        assert {each.label for each in everybody.spend_by_owner} == {
            "one user's documents", "documents of several users at once",
            "users erased since, or no user",
        }  # fmt: skip
        told = report_json(everybody)
        assert str(CANARY) not in str(told)
        assert not any(each["name"] == "canary.md" for each in told["versions"])
