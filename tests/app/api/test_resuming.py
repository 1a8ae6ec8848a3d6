"""Runs over a real socket: what was stopped says so, and goes on at a person's word."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa

from pipeline.store.engine import rows
from tests.app.api.calling import accepted, is_problem, text
from tests.app.api.database import stopped
from tests.app.api.serving import RunningApi


def caps(api: RunningApi, run: str) -> list[dict[str, Any]]:
    """What the run was started with."""

    async def read() -> list[dict[str, Any]]:
        async with api.parts.database.service() as connection:
            asked = sa.text(
                "SELECT kind, max_cost_usd FROM upload_pipeline.ingest_runs WHERE id = :id"
            )
            return [dict(row) for row in await rows(connection, asked, {"id": UUID(run)})]

    return api.run(read())


def test_a_stopped_run_is_resumed(anna: httpx.Client, api: RunningApi) -> None:
    """The job says why it waits; no worker takes it until its run is resumed, under a new cap."""
    job = accepted(anna, text("resume me"))["id"]
    run = stopped(api, anna, job)
    shown = anna.get(f"/jobs/{job}").json()
    assert shown["stopped"] == "cost_cap_reached"
    assert shown["error"]["message"] == "The cost cap is reached."
    assert f"navigator resume {run[:8]}" in shown["error"]["remedy"]
    api.work_off(job)
    assert anna.get(f"/jobs/{job}").json()["state"] == "uploaded"
    resumed = anna.post(f"/runs/{run}/resume", params={"max_cost_usd": "0.5"})
    assert (resumed.status_code, resumed.json()["jobs"]) == (202, 1)
    [started] = caps(api, resumed.json()["run_id"])
    assert (started["kind"], float(started["max_cost_usd"])) == ("resume", 0.5)
    api.work_off(job)
    assert anna.get(f"/jobs/{job}").json()["state"] == "complete"
    is_problem(anna.post(f"/runs/{run}/resume"), 404)


def test_a_user_resumes_their_own_documents_alone(anna: httpx.Client, api: RunningApi) -> None:
    """Of a run over several users' documents each resumes their own; a stranger finds none."""
    mine = accepted(anna, text("mine"))["id"]
    with api.client("ben") as ben, api.client("eve") as eve:
        theirs = accepted(ben, text("theirs"))["id"]
        run = stopped(api, anna, mine, theirs)
        is_problem(eve.post(f"/runs/{run}/resume"), 404)
        assert anna.post(f"/runs/{run}/resume").json()["jobs"] == 1
        assert ben.get(f"/jobs/{theirs}").json()["stopped"] == "cost_cap_reached"
        assert anna.get(f"/jobs/{mine}").json()["stopped"] is None


@pytest.mark.parametrize("cap", ["0", "-1", "NaN", "much", "1e400"])
def test_a_cap_is_an_amount(anna: httpx.Client, cap: str) -> None:
    """Anything else is refused, and nothing goes on."""
    is_problem(anna.post(f"/runs/{uuid4()}/resume", params={"max_cost_usd": cap}), 422)
