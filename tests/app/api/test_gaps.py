"""What a document lacks, in the API and on the dashboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from selenium.webdriver import Chrome

from tests.app.api.calling import accepted, is_problem, watching
from tests.app.api.serving import RunningApi
from tests.app.api.tab import Page
from tests.booklets import booklet
from tests.chromium import new_tab


@pytest.fixture(scope="module")
def job(api: RunningApi, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A published booklet of Anna's, of which pages 2 and 4 are pictures."""
    path = booklet(tmp_path_factory.mktemp("files") / "half.pdf", ("a", "", "b", "", "c"))
    with api.client("anna") as client:
        found = accepted(client, path.read_bytes(), name="half.pdf", source="half")
    api.work_off(found["id"])
    return found


def test_a_job_and_its_document_show_their_notes(anna: httpx.Client, job: dict[str, Any]) -> None:
    """The gap with kind, pages and remedy; the job has gone through all stages."""
    shown = anna.get(f"/jobs/{job['id']}").json()
    assert (shown["state"], shown["stage"], shown["ended"]) == ("complete_with_gaps", 6, True)
    assert shown["published"]
    assert not shown["retryable"]
    gap = shown["notes"][0]
    assert (gap["gap"], gap["pages"], gap["message"].endswith(".")) == (True, [2, 4], True)
    assert "NAVIGATOR_OCR=true" in gap["remedy"]
    assert shown["language"] == "en"
    document = anna.get(f"/documents/{job['document_id']}").json()
    assert document["notes"] == shown["notes"]
    assert document["jobs"][0]["notes"] == shown["notes"]


def test_jobs_and_documents_are_found_by_their_gaps(
    anna: httpx.Client, ben: httpx.Client, job: dict[str, Any]
) -> None:
    """`gaps` and `published` find it, the others do not; nobody else's are among them."""
    for path in ("/jobs", "/documents"):
        for state, count in (("gaps", 1), ("published", 1), ("complete", 0), ("failed", 0)):
            assert len(anna.get(path, params={"state": state}).json()["items"]) == count
        assert ben.get(path, params={"state": "gaps"}).json()["items"] == []
    assert "gaps" in is_problem(anna.get("/jobs", params={"state": "x"}), 422)["remedy"]


def test_the_stream_of_a_job_ends(anna: httpx.Client, job: dict[str, Any]) -> None:
    """Published with gaps is an end."""
    with watching(anna, f"/jobs/{job['id']}/events") as stream:
        assert stream.until("end")[-1]["data"] == {"state": "complete_with_gaps"}


def test_the_overview_counts_it_as_published(anna: httpx.Client, job: dict[str, Any]) -> None:
    """By its own state, in the last hour's throughput, and with its warning apart."""
    shown = anna.get("/overview").json()
    assert shown["documents"] == {"complete_with_gaps": 1}
    assert sum(minute["documents"] for minute in shown["throughput"]) == 1
    today = shown["quality"][-1]
    assert (today["warned"], today["failed"], today["documents_failed"]) == (1, 0, 0)


def test_every_answer_has_the_gaps(anna: httpx.Client, job: dict[str, Any]) -> None:
    """With the passage, and whether it stands on such a page."""
    body = {"question": "flood sublimit", "mode": "text"}
    passages = anna.post("/search", json=body).json()["passages"]
    assert passages
    for passage in passages:
        assert [gap["pages"] for gap in passage["gaps"]] == [[2, 4]]
        pages = set(range(passage["page_first"], passage["page_last"] + 1))
        assert passage["gap_here"] == bool(pages & {2, 4})


def test_an_export_has_the_notes(anna: httpx.Client, job: dict[str, Any]) -> None:
    """Who takes their data away takes along what is missing in it."""
    assert '"picture' in anna.get("/users/me/export").text or (
        '"page_not_read"' in anna.get("/users/me/export").text
    )


@pytest.fixture(scope="module")
def browser(chromium: Chrome) -> Iterator[Chrome]:
    """A tab."""
    with new_tab(chromium) as found:
        yield found


def test_the_dashboard_shows_gaps(
    browser: Chrome, api: RunningApi, job: dict[str, Any], tmp_path: Path
) -> None:
    """In the counts by state, on top of the document's history, and with a search answer."""
    page = Page(browser, api)
    page.open("anna")
    page.until(lambda: "half.pdf" in page.text("#recent"))
    assert "complete, with gaps" in page.text("#documents")
    assert "1 of 1 document published, 1 of them with gaps" in page.text("#documents")
    page.click("#recent button.link")
    page.until(lambda: "not read" in page.text("#story-body"))
    story = page.text("#story-body")
    assert story.index("Pages 2 and 4") < story.index("Version")
    assert "NAVIGATOR_OCR=true" in story
    page.click("dialog button")
    page.go("search")
    box = browser.find_element("id", "question")
    box.send_keys("flood sublimit")
    page.click("#search button")
    page.until(lambda: "Pages 2 and 4" in page.text("#found"))
    assert "not read" in page.text("#found")
    assert "[object" not in page.text()
