"""Several users in one batch: none pays for another, and each one's evidence is filed apart."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from mocks import OpenAIMock
from pipeline.identity import OPERATOR, user_id
from pipeline.sources import find_files
from pipeline.store import runs
from pipeline.store.erasure import erase_user
from stages import planning
from stages.services import Services
from tests.flows.corpus import Opener, policy, query, states
from tests.ingesting import accept, ingest, work_off

ANNA, BEN, CLARA = user_id("anna"), user_id("ben"), user_id("clara")
DIAGNOSIS = "# Findings\n\n" + "The insured person has been treated for a rare illness. " * 3


async def together(services: Services, *accepted: list[UUID]) -> UUID:
    """Work off several users' jobs as one batch, as a sweep does; its run."""
    run_id = uuid4()
    async with services.database.service() as connection:
        await runs.start_run(connection, run_id, OPERATOR, "backfill")
    await work_off(services, [job for jobs in accepted for job in jobs], run_id)
    return run_id


async def billed(services: Services) -> dict[UUID, Any]:
    """What each user was charged, in tokens."""
    found = await query(
        services,
        "SELECT user_id, sum(billed_tokens)::int AS tokens FROM upload_pipeline.upload_jobs"
        " GROUP BY user_id",
    )
    return {row["user_id"]: row["tokens"] for row in found}


def letters(folder: Path, name: str, text: str = DIAGNOSIS) -> Path:
    """A folder of a user's own with one document."""
    (folder / name).mkdir()
    path = folder / name / "letter.md"
    path.write_text(text)
    return path


@pytest.mark.parametrize("batched", [True, False])
async def test_the_same_passage_costs_each_user_the_same(
    remote: Opener, openai: OpenAIMock, folder: Path, batched: bool
) -> None:
    """In one batch or one after the other: each is sent, and paid for by whose it is."""
    async with remote() as services:
        paths = {user: letters(folder, str(user)) for user in (ANNA, BEN, CLARA)}
        if batched:
            accepted = [await accept(services, [path], user) for user, path in paths.items()]
            await together(services, *accepted)
        else:
            for user, path in paths.items():
                await ingest(services, [path], user)
        assert len(set((bills := await billed(services)).values())) == 1, bills
        assert bills[ANNA] > 0
        calls = await query(
            services, "SELECT user_id FROM upload_pipeline.service_calls WHERE operation = 'embed'"
        )
        assert Counter(row["user_id"] for row in calls) == {ANNA: 1, BEN: 1, CLARA: 1}
    assert openai.stats()["inputs"] == 3 * openai.stats()["unique_inputs"]


async def test_a_plan_knows_of_ones_own_vectors_alone(
    remote: Opener, folder: Path, tmp_path: Path
) -> None:
    """What another user has embedded makes no plan cheaper; one's own does."""
    async with remote() as services:
        await ingest(services, [letters(folder, "anna")], ANNA)
        found = find_files([str(letters(tmp_path, "elsewhere"))])
        costs = {
            user: sum(
                each.new_chunks for each in (await planning.plan(services, found, user)).documents
            )
            for user in (ANNA, BEN)
        }
    assert costs[ANNA] == 0
    assert costs[BEN] > 0


async def test_each_users_rule_rows_are_their_own(local: Opener, folder: Path) -> None:
    """A batch of several users leaves each the rows of their own documents, counted for them."""
    async with local() as services:
        for name in ("anna", "ben"):
            (folder / name).mkdir()
        for number in range(3):
            policy(folder / "anna", f"policy-{number}")
        bad = folder / "ben" / "bad.md"
        bad.write_text("xq zv kj wq xx zz qk vj xz qj kx zq vx jq " * 30)
        policy(folder / "ben", "good")
        accepted = [
            await accept(services, [folder / "anna"], ANNA),
            await accept(services, [folder / "ben"], BEN),
        ]
        run_id = await together(services, *accepted)
        assert Counter((await states(services)).values())["quarantined"] == 1
        rows = await query(
            services,
            "SELECT user_id, suite, rule, evaluated, failed, success, job_id"
            " FROM upload_pipeline.quality_results WHERE run_id = :run",
            run=run_id,
        )
        assert {row["user_id"] for row in rows} == {ANNA, BEN}
        of_rules = [row for row in rows if row["job_id"] is None]
        counted = {
            (r["user_id"], r["rule"]): r["evaluated"] for r in of_rules if r["suite"] == "fidelity"
        }
        assert counted[(ANNA, "not_empty")] == 3
        assert counted[(BEN, "not_empty")] == 2
        critical = {row["user_id"] for row in of_rules if not row["success"] and row["failed"]}
        assert BEN in critical
        assert not [row for row in rows if row["user_id"] == ANNA and row["job_id"] in accepted[1]]
        chunks = {
            (r["user_id"], r["rule"]): r["evaluated"] for r in of_rules if r["suite"] != "fidelity"
        }
        assert {user for user, _ in chunks} == {ANNA, BEN}
        async with services.database.service() as connection:
            await erase_user(connection, BEN, BEN)
        left = await query(services, "SELECT user_id FROM upload_pipeline.quality_results")
        assert {row["user_id"] for row in left} == {ANNA}


async def test_a_refused_text_is_refused_for_its_user_alone(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """What the provider says to one user's request decides nothing for another's same text."""
    refusal = {"kind": "status", "status": 400, "message": "'$.input' is invalid."}
    async with remote(embedding_concurrency=1) as services:
        accepted = [
            await accept(services, [letters(folder, str(user))], user) for user in (ANNA, BEN)
        ]
        openai.faults({"fault": refusal, "schedule": [1]})
        await together(services, *accepted)
        found = await query(services, "SELECT user_id, state FROM upload_pipeline.upload_jobs")
        assert Counter(row["state"] for row in found) == {"failed_embedding": 1, "complete": 1}
