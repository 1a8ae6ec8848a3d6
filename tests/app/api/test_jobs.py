"""Jobs over a real socket: list, look, retry, cancel, delete."""

from __future__ import annotations

from uuid import uuid4

import httpx
import pytest

from clients.storage.objects import raw_key
from pipeline.identity import user_id
from pipeline.states import JobState
from tests.app.api.calling import ENCRYPTED, accepted, is_problem, text, upload
from tests.app.api.serving import RunningApi


@pytest.fixture(scope="module")
def published(api: RunningApi) -> dict[str, str]:
    """A published job and a failed one, of one user."""
    with api.client("anna") as anna:
        done = accepted(anna, text("dental"), name="dental.md", source="dental")["id"]
        failed = accepted(anna, ENCRYPTED.read_bytes(), name="locked.pdf", source="locked")["id"]
    api.work_off(done, failed)
    return {"done": done, "failed": failed}


def test_a_job_tells_its_whole_story(anna: httpx.Client, published: dict[str, str]) -> None:
    """Stage, counts, cost and history; a failure says why and what to do."""
    done = anna.get(f"/jobs/{published['done']}").json()
    assert (done["state"], done["stage"], done["published"]) == ("complete", 6, True)
    assert (done["ended"], done["working"], done["retryable"]) == (True, False, False)
    assert done["chunks"] > 0
    assert done["tokens"] > 0
    assert done["cost_usd"] == "0"
    assert set(done["stage_seconds"]) >= {"parse", "chunk", "embed"}
    assert [event["to_state"] for event in done["history"]] == [
        "uploaded", "parse_queued", "parsed", "parse_validated", "chunks_stored",
        "embeddings_stored", "complete",
    ]  # fmt: skip
    assert [event["actor"] for event in done["history"]] == ["person"] + 6 * ["worker"]
    failed = anna.get(f"/jobs/{published['failed']}").json()
    assert failed["state"] == "failed_parse"
    assert set(failed["error"]) == {"code", "message", "remedy"}
    assert failed["history"][-1]["event"] == "failed"


@pytest.mark.parametrize(
    ("query", "sources"),
    [
        ({}, {"dental", "locked"}),
        ({"state": "published"}, {"dental"}),
        ({"state": "failed"}, {"locked"}),
        ({"state": ["failed", "complete"]}, {"dental", "locked"}),
        ({"state": "waiting"}, set()),
        ({"source": "dental"}, {"dental"}),
        ({"source": "dent"}, set()),
        ({"document": str(uuid4())}, set()),
    ],
)
def test_filters(
    anna: httpx.Client, published: dict[str, str], query: dict[str, str], sources: set[str]
) -> None:
    """By state or kind of state, by source, by document."""
    items = anna.get("/jobs", params=query).json()["items"]
    assert {item["source"] for item in items} == sources


def test_pages_stay_where_they_are(api: RunningApi) -> None:
    """Each job stands on one page, newest first, though new ones come while pages are turned."""
    with api.client("pages") as pages:
        made = [accepted(pages, text(f"page {n}"))["id"] for n in range(7)]
        seen: list[str] = []
        cursor = None
        while True:
            query = {"limit": 3} | ({"cursor": cursor} if cursor else {})
            page = pages.get("/jobs", params=query).json()
            seen += [item["id"] for item in page["items"]]
            accepted(pages, text(f"meanwhile {len(seen)}"))
            if (cursor := page["next"]) is None:
                break
        assert seen == made[::-1]
        documents = pages.get("/documents", params={"limit": 4}).json()
        rest = pages.get("/documents", params={"limit": 4, "cursor": documents["next"]}).json()
        ids = [item["id"] for item in documents["items"] + rest["items"]]
        assert len(ids) == len(set(ids)) == 8


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "e30",
        "WzEsMl0",
        "W10",
        "bnVsbA",
        "\N{SNOWMAN}",
        "a" * 201,
        "W1siYSJdLCAiMDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAwIl0",
    ],
)
def test_a_cursor_of_somebody_elses_making_is_refused(anna: httpx.Client, cursor: str) -> None:
    """Cursors are opaque: anything else is the client's mistake."""
    is_problem(anna.get("/jobs", params={"cursor": cursor}), 422)
    for order in ("newest", "oldest", "name"):
        asked = {"cursor": cursor, "order": order}
        is_problem(anna.get("/documents", params=asked), 422)


def test_cancel_and_retry(anna: httpx.Client, api: RunningApi) -> None:
    """A cancelled job is left alone by workers, and goes on once it is retried."""
    job = accepted(anna, text("cancel"))
    cancelled = anna.post(f"/jobs/{job['id']}/cancel")
    assert cancelled.status_code == 200
    assert (cancelled.json()["state"], cancelled.json()["retryable"]) == ("cancelled", True)
    assert anna.post(f"/jobs/{job['id']}/cancel").json()["state"] == "cancelled"
    api.work_off(job["id"])
    assert anna.get(f"/jobs/{job['id']}").json()["state"] == "cancelled"
    assert upload(anna, text("cancel")).json()["outcome"] == "failed_before"
    again = anna.post(f"/jobs/{job['id']}/retry")
    assert (again.status_code, again.json()["state"]) == (202, "uploaded")
    api.work_off(job["id"])
    assert anna.get(f"/jobs/{job['id']}").json()["state"] == "complete"
    is_problem(anna.post(f"/jobs/{job['id']}/cancel"), 409)
    is_problem(anna.post(f"/jobs/{job['id']}/retry"), 409)


def test_a_retry_of_what_still_fails_fails_again(
    anna: httpx.Client, api: RunningApi, published: dict[str, str]
) -> None:
    """A person may try; the reason is there again."""
    job = published["failed"]
    assert anna.post(f"/jobs/{job}/retry").status_code == 202
    api.work_off(job)
    failed = anna.get(f"/jobs/{job}").json()
    assert (failed["state"], failed["failures"]) == ("failed_parse", 2)


def test_deleting_a_job_deletes_its_document(api: RunningApi) -> None:
    """With all versions, passages and stored bytes; the audit of the job stays to be read."""
    with api.client("deleter") as client:
        job = accepted(client, text("gone"), source="gone")
        api.work_off(job["id"], user="deleter")
        assert client.delete(f"/jobs/{job['id']}").status_code == 204
        assert client.get(f"/jobs/{job['id']}").json()["state"] == JobState.DELETED
        is_problem(client.get(f"/documents/{job['document_id']}"), 404)
        assert client.get("/documents").json()["items"] == []
        question = {"question": "what does the policy of gone cover?"}
        assert client.post("/search", json=question).json()["passages"] == []
        is_problem(client.get(f"/documents/{job['document_id']}/original"), 404)
        key = raw_key(user_id("deleter"), job["sha256"])
        assert not api.run(api.parts.storage.exists(key))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/jobs/{id}"),
        ("GET", "/jobs/{id}/events"),
        ("POST", "/jobs/{id}/retry"),
        ("POST", "/jobs/{id}/cancel"),
        ("DELETE", "/jobs/{id}"),
        ("GET", "/documents/{id}"),
        ("GET", "/documents/{id}/original"),
        ("DELETE", "/documents/{id}"),
        ("POST", "/uploads/{id}/complete"),
    ],
)
def test_what_is_not_there_and_what_is_no_id(anna: httpx.Client, method: str, path: str) -> None:
    """404 for an unknown id, 422 for what is none, 401 without a token: each a problem."""
    address = path.format(id=uuid4())
    is_problem(anna.request(method, address), 404)
    is_problem(anna.request(method, path.format(id="1")), 422)
    is_problem(anna.request(method, path.format(id="%00")), 422)
    is_problem(anna.request(method, address, headers={"Authorization": ""}), 401)


def test_addresses_and_methods_that_are_none(anna: httpx.Client) -> None:
    """404 and 405 are problems as well, and 405 says what is allowed."""
    is_problem(anna.get("/nothing"), 404)
    answer = anna.put("/jobs")
    is_problem(answer, 405)
    assert answer.headers["Allow"] == "GET"


def test_an_operator_sees_everybody_or_one_user(
    api: RunningApi, anna: httpx.Client, published: dict[str, str]
) -> None:
    """Only with the service role; an ordinary user who names another one is refused."""
    with api.client("ben") as ben, api.client("operator", service=True) as operator:
        his = accepted(ben, text("ben alone"))["id"]
        everybody = {
            job["id"] for job in operator.get("/jobs", params={"limit": 200}).json()["items"]
        }
        assert {his, published["done"]} <= everybody
        bens = operator.get("/jobs", params={"user": "ben"}).json()["items"]
        assert [job["id"] for job in bens] == [his]
        by_id = operator.get("/jobs", params={"user": str(user_id("ben"))}).json()["items"]
        assert by_id == bens
        worker = operator.get(f"/jobs/{published['done']}").json()["history"][-1]["actor"]
        assert "/" in worker  # which machine's, which process: for operators only
        is_problem(operator.get(f"/jobs/{his}", params={"user": "anna"}), 404)
        is_problem(ben.get("/jobs", params={"user": "anna"}), 403)
        assert ben.get("/jobs", params={"user": "ben"}).status_code == 200
        assert operator.post(f"/jobs/{his}/cancel").json()["state"] == "cancelled"
        is_problem(operator.post("/search", json={"question": "x"}), 422)


def test_postgres_away(api: RunningApi, anna: httpx.Client) -> None:
    """A database that cannot be reached is a 503 that says when to try again."""
    from pipeline.store.engine import Database

    services = api.parts.services
    gone = Database("postgresql://nobody@127.0.0.1:9/none", patience_seconds=0.5)
    before = services.database
    object.__setattr__(services, "database", gone)
    try:
        for answer in (anna.get("/jobs"), upload(anna, text("away"))):
            is_problem(answer, 503, "database_unavailable")
            assert int(answer.headers["Retry-After"]) > 0
    finally:
        object.__setattr__(services, "database", before)
    assert anna.get("/jobs").status_code == 200
