"""A user's own data over a real socket: taken away whole, and erased whole."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any
from uuid import UUID

import httpx
import pytest

from pipeline.identity import user_id
from pipeline.store.schema import USER_TABLES
from tests.app.api.calling import ENCRYPTED, accepted, is_problem, text
from tests.app.api.database import rows_of
from tests.app.api.serving import RunningApi

SECRET = "quetzalcoatlus"


@pytest.fixture
def carla(api: RunningApi) -> Any:
    """A user with something of every kind."""
    with api.client("carla") as client:
        jobs = [
            accepted(client, text(SECRET), name=f"{SECRET}.md", source=f"/{SECRET}"),
            accepted(client, ENCRYPTED.read_bytes(), name=f"{SECRET}.pdf"),
        ]
        api.work_off(*(job["id"] for job in jobs), user="carla")
        client.post("/search", json={"question": SECRET})
        client.post("/uploads", json={"name": f"{SECRET}.md"})
        yield client


def exported(client: httpx.Client) -> list[dict[str, Any]]:
    answer = client.get("/users/me/export")
    assert answer.headers["Content-Type"].startswith("application/x-ndjson")
    return [json.loads(line) for line in answer.text.splitlines()]


def test_an_export_holds_everything_and_nobody_elses(
    api: RunningApi, carla: httpx.Client, ben: httpx.Client
) -> None:
    """Documents, jobs, passages, events, accesses; links to the originals; then it is logged."""
    accepted(ben, text("not hers"))
    lines = exported(carla)
    kinds = Counter(line["kind"] for line in lines)
    assert set(kinds) == {"document", "job", "chunk", "event", "access"}
    assert (kinds["document"], kinds["job"]) == (2, 2)
    assert SECRET in next(line["text"] for line in lines if line["kind"] == "chunk")
    links = {line["original"] for line in lines if line["kind"] == "job"}
    assert text(SECRET).encode() in {httpx.get(link).content for link in links}
    assert "not hers" not in json.dumps(lines)
    assert "storage_key" not in json.dumps(lines)
    log = rows_of(api, "access_log", user_id("carla"))
    assert {row["action"] for row in log} >= {"export", "search"}
    assert {row["actor_id"] for row in log} == {user_id("carla")}


def test_erasing_leaves_nothing_that_says_anything(
    api: RunningApi, carla: httpx.Client, ben: httpx.Client
) -> None:
    """Rows, passages, files go; the audit keeps ids and times, without a word of the user's."""
    other = accepted(ben, text("stays"))
    is_problem(carla.delete("/users/me"), 422)
    is_problem(carla.delete("/users/me", params={"confirm": "yes"}), 422)
    done = carla.delete("/users/me", params={"confirm": "erase"}).json()
    assert done["documents"] == 2
    assert done["passages"] >= 1
    assert done["objects"] >= 3
    user = user_id("carla")
    left = {table.name: rows_of(api, table.name, user) for table in USER_TABLES}
    assert {name for name, found in left.items() if found} == {"job_events", "access_log"}
    assert SECRET not in str(left)
    assert all(row["details"] in ({}, {"erased": True}) for row in left["job_events"])
    assert [row["action"] for row in left["access_log"]][-1] == "erasure"
    objects = api.settings.home / "objects"
    assert not [each for each in (objects / str(user)).rglob("*") if each.is_file()]
    assert carla.get("/documents").json()["items"] == []
    assert carla.delete("/users/me", params={"confirm": "erase"}).json()["documents"] == 0
    assert ben.get(f"/jobs/{other['id']}").status_code == 200
    # A user may come back, with the same bytes.
    again = accepted(carla, text(SECRET))
    api.work_off(again["id"], user="carla")
    assert carla.get(f"/jobs/{again['id']}").json()["state"] == "complete"


def test_an_operator_exports_and_erases_on_behalf(api: RunningApi) -> None:
    """Only a named user; the log says who did it."""
    with api.client("dora") as dora, api.client("operator", service=True) as operator:
        accepted(dora, text("dora"))
        is_problem(operator.get("/users/me/export"), 422)
        is_problem(operator.delete("/users/me", params={"confirm": "erase"}), 422)
        named = {"user": "dora"}
        lines = operator.get("/users/me/export", params=named).text.splitlines()
        assert {json.loads(line)["kind"] for line in lines} == {
            "document",
            "job",
            "event",
            "access",
        }
        done = operator.delete("/users/me", params=named | {"confirm": "erase"}).json()
        assert done["documents"] == 1
        log = rows_of(api, "access_log", user_id("dora"))
    assert {row["actor_id"] for row in log} == {user_id("operator")}


def test_a_worker_that_is_late_writes_nothing_of_an_erased_user(api: RunningApi) -> None:
    """Erased while its document was being worked on: what comes of it is not published."""
    from uuid import uuid4

    from pipeline.store import runs
    from stages import batch, gating, publishing
    from stages.services import Services
    from tests.ingesting import until_gate

    with api.client("eva") as eva:
        job = accepted(eva, text("late"))

        async def late(services: Services) -> None:
            run_id = uuid4()
            async with services.database.service() as connection:
                await runs.start_run(connection, run_id, user_id("operator"), "test")
            async with batch.claim_batch(services, [UUID(job["id"])], run_id) as held:
                await until_gate(services, held)
                passed, *_ = await gating.gate(services, held)
                gone = await api.loop.run_in_executor(None, erase)
                assert gone.status_code == 200
                await publishing.publish(services, held, passed)

        def erase() -> httpx.Response:
            return eva.delete("/users/me", params={"confirm": "erase"})

        api.run(late(api.parts.services))
        assert rows_of(api, "document_chunks", user_id("eva")) == []
        assert eva.get("/jobs").json()["items"] == []
