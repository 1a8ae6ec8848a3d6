"""A document's pages over a real socket: what was read, and the picture."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipeline.identity import user_id
from pipeline.layout import Box, RegionKind, Table
from pipeline.notes import Note, NoteKind
from tests.app.api.calling import ENCRYPTED, accepted, is_problem, text
from tests.app.api.database import rows_of
from tests.app.api.paging import describe, lose_text, region_of, stored_document
from tests.app.api.serving import RunningApi, serving
from tests.pipeline.parsing.drawn_files import colored, marked_pdf, picture_bomb, shown
from tests.pipeline.parsing.made_files import docx, policy_pdf

HEADING, ROW = Box(70, 75, 300, 100), Box(70, 300, 540, 318)


def page_of(client: httpx.Client, of: dict[str, Any], number: object, **query: Any) -> Any:
    """Ask for what was read of a page."""
    return client.get(f"/documents/{of['document_id']}/pages/{number}", params=query)


def picture_of(
    client: httpx.Client, of: dict[str, Any], number: object, **query: Any
) -> httpx.Response:
    """Ask for a page's picture."""
    return client.get(f"/documents/{of['document_id']}/pages/{number}/picture", params=query)


@pytest.fixture(scope="module")
def policy(api: RunningApi) -> dict[str, Any]:
    """Anna's published PDF of three pages; of the second all is known."""
    with api.client("anna") as anna:
        job = accepted(anna, policy_pdf(3), name="policy.pdf", source="policy")
    api.work_off(job["id"])
    page = stored_document(api, job["id"]).pages[1]
    begin = page.text.index("| Service")
    table = Table(
        begin, page.text.index("| $250 |") + 8, ("Service", "In network"),
        (("Visit", "$2"), ("Scan", "$250")), "What you pay", True, Box(70, 280, 540, 318),
    )  # fmt: skip
    page = replace(
        page,
        size=(595.0, 842.0),
        regions=(
            region_of(page, "Section 2: Coverage", HEADING, RegionKind.HEADING),
            region_of(page, "| Scan | $250 |", ROW, RegionKind.TABLE),
        ),
        tables=(table,),
        furniture=("Page 2 of 3",),
    )
    notes = (
        Note(NoteKind.REPAIRED, "The end of the file was missing."),
        Note(NoteKind.PAGE_NOT_READ, "Page 3 was not read.", (3,)),
        Note(NoteKind.PICTURE_NOT_READ, "A picture was not read.", (2,)),
    )
    describe(api, job["id"], {2: page}, notes)
    return job


def test_a_page_says_what_was_read_of_it(anna: httpx.Client, policy: dict[str, Any]) -> None:
    """Text, regions, tables with each row's place, furniture, and its notes, gaps first."""
    page = page_of(anna, policy, 2).json()
    assert (page["number"], page["of"], page["paged"], page["name"]) == (2, 3, True, "policy.pdf")
    assert (page["job_id"], page["version"], page["published"]) == (policy["id"], 1, True)
    assert page["size"] == [595.0, 842.0]
    assert "Section 2 pays eighty percent" in page["text"]
    assert page["furniture"] == ["Page 2 of 3"]
    assert [(note["message"], note["gap"]) for note in page["notes"]] == [
        ("A picture was not read.", True),
        ("The end of the file was missing.", False),
    ]
    heading, row = page["regions"]
    assert (heading["kind"], heading["box"]) == ("heading", list(HEADING))
    assert page["text"][row["start"] : row["end"]] == "| Scan | $250 |"
    [table] = page["tables"]
    assert (table["header"], table["caption"]) == (["Service", "In network"], "What you pay")
    assert (table["continues"], table["box"]) == (True, [70.0, 280.0, 540.0, 318.0])
    assert table["rows"] == [["Visit", "$2"], ["Scan", "$250"]]
    assert [page["text"][slice(*each)] for each in table["row_offsets"]] == [
        "| Visit | $2 |",
        "| Scan | $250 |",
    ]


def test_its_chunks_have_their_place(anna: httpx.Client, policy: dict[str, Any]) -> None:
    """What search finds on the page is there, with its boxes; together they hold its words."""
    page = page_of(anna, policy, 2).json()
    assert page["chunks"]
    parts = [page["text"][chunk["start"] : chunk["end"]] for chunk in page["chunks"]]
    assert all(words in " ".join(parts) for words in ("Section 2 pays", "$250"))
    [boxed] = [c for c in page["chunks"] if list(ROW) in c["boxes"]]
    assert "| Scan | $250 |" in page["text"][boxed["start"] : boxed["end"]]
    found = anna.post("/search", json={"question": "Section 2 coverage pays eighty percent"}).json()
    [hit] = [each for each in found["passages"] if each["page_first"] == 2][:1]
    [chunk] = [each for each in page["chunks"] if each["id"] == hit["chunk_id"]]
    assert page["text"][chunk["start"] : chunk["end"]] in hit["text"]


def test_its_picture_is_the_page(anna: httpx.Client, policy: dict[str, Any]) -> None:
    """The link leads to a PNG, as wide as wanted, that only the reader's own browser keeps."""
    link = page_of(anna, policy, 2).json()["picture"]
    answer = anna.get(link.removeprefix("/api/v1"))
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["Vary"] == "Authorization"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    image = shown(answer.content)
    assert abs(image.width - 1130) < 3  # no more: at 1200 the height would pass 1600
    assert image.height == 1600
    assert shown(picture_of(anna, policy, 2, width=300).content).width == 300
    assert shown(picture_of(anna, policy, 2, width=1600).content).size == image.size


def test_a_picture_that_is_known_is_not_drawn_again(
    anna: httpx.Client, ben: httpx.Client, policy: dict[str, Any]
) -> None:
    """A browser that has it is told so; each page, width and reader is asked for itself."""
    path = f"/documents/{policy['document_id']}/pages/1/picture"
    tag = anna.get(path).headers["ETag"]
    known = {"If-None-Match": tag}
    again = anna.get(path, headers=known)
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert anna.get(path, params={"width": 500}, headers=known).status_code == 200
    assert anna.get(path.replace("/1/", "/2/"), headers=known).status_code == 200
    assert anna.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    is_problem(ben.get(path, headers=known), 404)


def test_a_turned_page_is_upright(anna: httpx.Client, api: RunningApi) -> None:
    """The picture of a page with /Rotate 90 is as a reader sees it."""
    job = accepted(anna, marked_pdf([90]), name="turned.pdf")
    image = shown(picture_of(anna, job, 1, width=792).content)
    assert image.size == (792, 612)
    left, top, *_ = colored(image)
    assert abs(left - 642) < 2
    assert abs(top - 50) < 2


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", "2147483648", "9" * 400, "1e3", "%00"])
def test_numbers_that_are_none_are_refused(
    anna: httpx.Client, policy: dict[str, Any], number: str
) -> None:
    """What is no page number is said to be none, for text and picture."""
    is_problem(page_of(anna, policy, number), 422)
    is_problem(picture_of(anna, policy, number), 422)


@pytest.mark.parametrize("number", [4, 10**9])
def test_pages_that_are_not_there_are_said(
    anna: httpx.Client, policy: dict[str, Any], number: int
) -> None:
    """How many pages there are stands in the answer."""
    for ask in (page_of, picture_of):
        problem = is_problem(ask(anna, policy, number), 404)
        assert f"has 3 pages, not a page {number:,}." in problem["detail"]
        assert problem["remedy"]


@pytest.mark.parametrize("width", ["0", "-1", "49", "1601", "1000000000", "x"])
def test_widths_out_of_bounds_are_refused(
    anna: httpx.Client, policy: dict[str, Any], width: str
) -> None:
    """Nobody makes the renderer draw more than its bounds."""
    is_problem(picture_of(anna, policy, 1, width=width), 422)


def test_nobody_else_sees_a_page(
    anna: httpx.Client, ben: httpx.Client, api: RunningApi, policy: dict[str, Any]
) -> None:
    """A foreign document answers as a missing one does, whatever is named; operators see it."""
    missing = page_of(ben, {"document_id": policy["id"]}, 2).json()
    his = accepted(ben, policy_pdf(1), name="his.pdf")
    for client, job, version in (
        (ben, policy, None), (ben, policy, policy["id"]), (ben, his, policy["id"]),
        (anna, policy, his["id"]),
    ):  # fmt: skip
        query = {"job": version} if version else {}
        for ask in (page_of, picture_of):
            answer = ask(client, job, 1, **query)
            assert is_problem(answer, 404, "not_found") == missing
            assert "Section" not in answer.text
    with api.client(None) as nobody:
        is_problem(page_of(nobody, policy, 1), 401)
        is_problem(picture_of(nobody, policy, 1), 401)
    with api.client("olga", service=True) as olga:
        assert page_of(olga, policy, 1).json()["name"] == "policy.pdf"
        assert picture_of(olga, policy, 1).status_code == 200


def test_looking_is_logged(anna: httpx.Client, api: RunningApi, policy: dict[str, Any]) -> None:
    """Who looked at which document's page stands in the access log, refused looks do not."""
    before = len(rows_of(api, "access_log", user_id("anna")))
    page_of(anna, policy, 2)
    picture_of(anna, policy, 2)
    page_of(anna, policy, 9)
    with api.client("olga", service=True) as olga:
        page_of(olga, policy, 2)
    log = rows_of(api, "access_log", user_id("anna"))[before:]
    document = policy["document_id"]
    assert [(row["action"], str(row["document_id"]), row["actor_id"]) for row in log] == [
        ("page", document, user_id("anna")),
        ("page_picture", document, user_id("anna")),
        ("page", document, user_id("olga")),
    ]


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (text("dental"), "dental.md", "covers dental"),
        (docx(), "life.docx", "annual deductible"),
        ("<html><body><p>" + text("fire") + "</p></body></html>", "fire.html", "covers fire"),
    ],
)
def test_formats_without_pages_are_one(
    anna: httpx.Client, api: RunningApi, content: bytes | str, name: str, words: str
) -> None:
    """All of the text is page 1, with its chunks; that there is no picture is said."""
    job = accepted(anna, content, name=name, source=name)
    is_problem(picture_of(anna, job, 1), 404, "no_picture")
    api.work_off(job["id"])
    page = page_of(anna, job, 1).json()
    assert (page["number"], page["of"], page["paged"]) == (1, 1, False)
    assert (page["picture"], page["size"]) == (None, None)
    assert words in page["text"]
    assert page["chunks"]
    problem = is_problem(picture_of(anna, job, 1), 404, "no_picture")
    assert "no pages of its own" in problem["detail"]
    assert problem["remedy"]
    is_problem(page_of(anna, job, 2), 404)


def test_versions_have_their_own_pages(anna: httpx.Client, api: RunningApi) -> None:
    """Without a job it is the published version; a newer one that waits is asked for by its job."""
    old = accepted(anna, text("old cover"), source="two versions")
    is_problem(page_of(anna, old, 1), 404)
    assert page_of(anna, old, 1).json()["detail"] == "This version has not been read yet."
    api.work_off(old["id"])
    new = accepted(anna, text("new cover"), source="two versions")
    assert "old cover" in page_of(anna, old, 1).json()["text"]
    is_problem(page_of(anna, old, 1, job=new["id"]), 404)
    api.work_off(new["id"])
    page = page_of(anna, old, 1).json()
    assert (page["version"], "new cover" in page["text"]) == (2, True)
    page = page_of(anna, old, 1, job=old["id"]).json()
    assert (page["version"], page["published"], page["chunks"]) == (1, False, [])
    assert "old cover" in page["text"]


def test_what_could_not_be_read_says_why(anna: httpx.Client, api: RunningApi) -> None:
    """A locked file has no text and no picture, each with the reason and what to do."""
    job = accepted(anna, ENCRYPTED.read_bytes(), name="locked.pdf", source="locked")
    api.work_off(job["id"])
    problem = is_problem(page_of(anna, job, 1), 404)
    assert "could not be read. The PDF is protected with a password." in problem["detail"]
    problem = is_problem(picture_of(anna, job, 1), 422, "page_not_drawn")
    assert "The PDF is protected with a password." in problem["detail"]
    assert problem["remedy"]


def test_a_lost_text_is_said(anna: httpx.Client, api: RunningApi) -> None:
    """What the storage has lost is a problem with a remedy, not an error of ours."""
    job = accepted(anna, text("lost"), source="lost")
    api.work_off(job["id"])
    lose_text(api, job["id"])
    assert is_problem(page_of(anna, job, 1), 404, "object_missing")["remedy"]


def test_a_deleted_document_has_no_pages(anna: httpx.Client, api: RunningApi) -> None:
    """With the document its pages are gone, at once."""
    job = accepted(anna, policy_pdf(1), name="short.pdf", source="short")
    api.work_off(job["id"])
    assert page_of(anna, job, 1).status_code == 200
    anna.delete(f"/documents/{job['document_id']}")
    is_problem(page_of(anna, job, 1), 404)
    is_problem(picture_of(anna, job, 1), 404)


def test_looking_counts_as_asking(api: RunningApi, tmp_path: Path) -> None:
    """Pages and pictures are requests of the user's limit like all others."""
    settings = api.settings.model_copy(update={"requests_per_minute": 3, "home": tmp_path})
    with serving(settings) as strict, strict.client("gail") as gail:
        job = accepted(gail, marked_pdf(), name="few.pdf")
        is_problem(page_of(gail, job, 1), 404)
        assert picture_of(gail, job, 1).headers["RateLimit-Remaining"] == "0"
        is_problem(picture_of(gail, job, 1), 429)


def test_a_page_that_takes_too_long_is_a_problem(api: RunningApi, tmp_path: Path) -> None:
    """A page of enormous pictures is given up within the request's time; others are drawn on."""
    settings = api.settings.model_copy(update={"parse_timeout_seconds": 2.0, "home": tmp_path})
    with serving(settings) as quick, quick.client("hugo") as hugo:
        bomb = accepted(hugo, picture_bomb(12_000, 60), name="bomb.pdf", source="bomb")
        fine = accepted(hugo, marked_pdf(), name="fine.pdf", source="fine")
        assert picture_of(hugo, fine, 1).status_code == 200
        problem = is_problem(picture_of(hugo, bomb, 1, width=1600), 422, "page_not_drawn")
        assert "longer than the limit" in problem["detail"]
        assert "original" in problem["remedy"]
        assert picture_of(hugo, fine, 1).status_code == 200


def test_the_drawing_process_starts_late_dies_alone_and_ends_with_the_api(
    api: RunningApi, tmp_path: Path
) -> None:
    """None before the first picture; killed at work it is a problem; none when the API has gone."""
    settings = api.settings.model_copy(update={"home": tmp_path})
    with serving(settings) as other, other.client("ivan") as ivan:
        job = accepted(ivan, marked_pdf(), name="mark.pdf", source="mark")
        slow = accepted(ivan, picture_bomb(12_000, 40), name="slow.pdf", source="slow")
        pool = other.parts.pictures._pool
        assert list(pool.pids) == []
        assert picture_of(ivan, job, 1).status_code == 200
        [pid] = pool.pids
        os.kill(pid, signal.SIGSTOP)  # so that it is at work when it dies
        ending = killed_soon(pid)
        problem = is_problem(picture_of(ivan, slow, 1), 422, "page_not_drawn")
        ending.join()
        assert "died while it drew this page" in problem["detail"]
        assert picture_of(ivan, job, 1).status_code == 200
        [pid] = pool.pids
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def killed_soon(pid: int) -> Any:
    """Kill a process in a second; the timer, to be joined."""
    import threading

    timer = threading.Timer(1, os.kill, (pid, signal.SIGKILL))
    timer.start()
    return timer
