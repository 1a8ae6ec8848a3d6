"""Documents and search over a real socket."""

from __future__ import annotations

import httpx
import pytest

from pipeline.identity import user_id
from tests.app.api.calling import accepted, is_problem, text
from tests.app.api.database import rows_of
from tests.app.api.serving import RunningApi


@pytest.fixture(scope="module")
def cover(api: RunningApi) -> dict[str, str]:
    """A published document with tags, of one user."""
    with api.client("anna") as anna:
        job = accepted(
            anna, text("dental crowns"), name="crowns.md", source="crowns", tags=["dental", "2026"]
        )
    api.work_off(job["id"])
    return {"job": job["id"], "document": job["document_id"], "sha256": job["sha256"]}


def test_a_document_is_found_by_what_it_is(anna: httpx.Client, cover: dict[str, str]) -> None:
    """By tag, state or source; with its versions when it is asked for itself."""
    for query in ({"tag": "dental"}, {"tag": ["dental", "2026"]}, {"source": "crowns"},
                  {"state": "published"}):  # fmt: skip
        items = anna.get("/documents", params=query).json()["items"]
        assert [item["id"] for item in items] == [cover["document"]]
    for query in ({"tag": "2025"}, {"state": "failed"}, {"source": "crown"}):
        assert anna.get("/documents", params=query).json()["items"] == []
    is_problem(anna.get("/documents", params={"state": "perfect"}), 422)
    document = anna.get(f"/documents/{cover['document']}").json()
    assert (document["published"], document["published_job_id"]) == (True, cover["job"])
    assert [job["id"] for job in document["jobs"]] == [cover["job"]]


def test_the_original_comes_back_as_it_was(anna: httpx.Client, cover: dict[str, str]) -> None:
    """By a link that needs no token, as a file to save, never as a page; asking is logged."""
    link = anna.get(f"/documents/{cover['document']}/original").json()
    answer = httpx.get(link["url"])
    assert answer.content.decode() == text("dental crowns")
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''crowns.md"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for wrong in (
        link["url"].replace("signature=", "signature=A"),
        link["url"].replace("expires=", "expires=9"),
        link["url"].replace(cover["job"], cover["document"]),
        link["url"].split("?")[0] + "?expires=1&signature=%E2%98%83",
    ):
        is_problem(httpx.get(wrong), 403)
    is_problem(httpx.get(link["url"].split("?")[0]), 422)
    is_problem(anna.get(f"/documents/{cover['document']}/original?version=2"), 404)


def test_older_versions_have_their_originals(anna: httpx.Client) -> None:
    """Each version of a source is kept as it was uploaded."""
    document = accepted(anna, text("one"), source="versions")["document_id"]
    accepted(anna, text("two"), source="versions")
    for version, content in ((1, "one"), (2, "two"), (None, "two")):
        query = {"version": version} if version else {}
        link = anna.get(f"/documents/{document}/original", params=query).json()
        assert httpx.get(link["url"]).text == text(content)


def test_a_question_finds_its_passage(
    anna: httpx.Client, ben: httpx.Client, api: RunningApi, cover: dict[str, str]
) -> None:
    """In every mode, with filters; nobody else finds it; that it was asked is logged."""
    body = {"question": "Which policy covers dental crowns?", "limit": 3}
    for mode in ("hybrid", "vector", "text"):
        found = anna.post("/search", json=body | {"mode": mode}).json()
        assert found["passages"][0]["document_id"] == cover["document"]
        assert "dental crowns" in found["passages"][0]["text"]
        assert ben.post("/search", json=body | {"mode": mode}).json()["passages"] == []
    filters: list[tuple[dict[str, object], int]] = [
        ({"tags": ["dental"]}, 1), ({"tags": ["other"]}, 0),
        ({"document": cover["document"]}, 1), ({"roles": ["coverage", "limit"]}, 1),
        ({"roles": ["exclusion"]}, 0),
    ]  # fmt: skip
    for chosen, number in filters:
        passages = anna.post("/search", json=body | chosen).json()["passages"]
        assert bool(passages) == bool(number)
    assert {passage["role"] for passage in found["passages"]} == {"coverage"}
    assert {passage["context"] for passage in found["passages"]} == {""}
    is_problem(anna.post("/search", json=body | {"roles": ["king"]}), 422)
    is_problem(anna.post("/search", json=body | {"document": cover["job"]}), 404)
    is_problem(ben.post("/search", json=body | {"document": cover["document"]}), 404)
    log = rows_of(api, "access_log", user_id("anna"))
    assert {(row["action"], row["document_id"]) for row in log} >= {("search", None)}
    assert "crowns" not in str(log)


def test_a_passage_brings_what_must_be_read_with_it(
    anna: httpx.Client, ben: httpx.Client, api: RunningApi
) -> None:
    """Only when asked for: the exclusion of the same coverage, with its page's document."""
    policy = (
        "# Glacier policy\n\n## Rescue\n\n### What is covered\n\n"
        + "We will pay for the rescue from a glacier by helicopter. " * 8
        + "\n\n### Exclusions\n\n" + "Guides at work are not covered. " * 8
        + "\n\n## Contact\n\n" + "Call our office by day. " * 8
    )  # fmt: skip
    job = accepted(anna, policy, name="glacier.md")
    api.work_off(job["id"])
    body = {"question": "Who pays the helicopter?", "limit": 1, "document": job["document_id"]}
    [plain] = anna.post("/search", json=body).json()["passages"]
    assert (plain["companions"], plain["companions_left_out"]) == ([], 0)
    [passage] = anna.post("/search", json=body | {"context": True}).json()["passages"]
    [exclusion] = [each for each in passage["companions"] if each["relation"] == "exclusion"]
    assert exclusion["reason"] == "exclusion in the same section"
    assert exclusion["document_id"] == job["document_id"]
    assert exclusion["text"].startswith("### Exclusions")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"question": ""},
        {"question": "  \n"},
        {"question": "a\x00b"},
        {"question": "a" * 4001},
        {"question": "a", "mode": "psychic"},
        {"question": "a", "limit": 0},
        {"question": "a", "limit": 101},
        {"question": "a", "document": "x"},
        {"question": "a", "tags": ["\x00"]},
        {"question": "a", "user": "ben"},
        {"question": "a", "context": True, "context_characters": 0},
        {"question": "a", "context": True, "context_characters": 1_000_000},
    ],
)
def test_questions_that_are_none(anna: httpx.Client, body: dict[str, object]) -> None:
    """Each is refused with what is wrong about it."""
    assert is_problem(anna.post("/search", json=body), 422)["errors"]


@pytest.mark.parametrize("mode", ["hybrid", "vector", "text"])
@pytest.mark.parametrize(
    "question", ["'; DROP TABLE documents; --", "%", "\\", "a & | ! :*", "(" * 400, "\u202e☃", "?"]
)
def test_odd_questions_are_answered(anna: httpx.Client, question: str, mode: str) -> None:
    """No question is taken for SQL or for a query language."""
    assert anna.post("/search", json={"question": question, "mode": mode}).status_code == 200


def test_deleting_a_document(anna: httpx.Client, ben: httpx.Client, api: RunningApi) -> None:
    """Its owner deletes it, once; nobody else can."""
    job = accepted(anna, text("short-lived"))
    is_problem(ben.delete(f"/documents/{job['document_id']}"), 404)
    link = anna.get(f"/documents/{job['document_id']}/original").json()
    assert anna.delete(f"/documents/{job['document_id']}").status_code == 204
    is_problem(anna.delete(f"/documents/{job['document_id']}"), 404)
    is_problem(httpx.get(link["url"]), 404)
    again = accepted(anna, text("short-lived"))
    assert (again["id"], again["state"]) == (job["id"], "uploaded")
    api.work_off(again["id"])
    assert anna.get(f"/jobs/{again['id']}").json()["state"] == "complete"
