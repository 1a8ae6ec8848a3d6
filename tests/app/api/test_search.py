"""Search over the API: a citation leads to the page and to the file; limits; copies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Any
from uuid import uuid4

import httpx
import pytest

from pipeline.documents import ParsedPage
from pipeline.layout import RegionKind
from pipeline.store import golden_questions
from stages.golden.asking import ask_questions
from stages.golden.kept import asked_questions, note_answers
from tests.app.api.calling import accepted, is_problem, text
from tests.app.api.paging import LINE, describe, lose_text, region_of, stored_document
from tests.app.api.serving import RunningApi
from tests.booklets import booklet

FORM = "# Boat form (Ed. 04/13)\n\n" + "The platypus exclusion applies to all vessels. " * 9
SPANISH = "# Póliza\n\n" + "La póliza cubre los daños por granizo en la vivienda asegurada. " * 8


@pytest.fixture(scope="module")
def corpus(api: RunningApi, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Anna's booklet, three same forms and a Spanish text; Ben has the form too."""
    pages = booklet(
        tmp_path_factory.mktemp("files") / "book.pdf", ("wombat one", "two")
    ).read_bytes()
    with api.client("anna") as anna, api.client("ben") as ben:
        jobs = {
            "book": accepted(anna, pages, name="book.pdf", source="book"),
            **{
                f"form{n}": accepted(anna, FORM, name=f"form{n}.md", source=f"f{n}")
                for n in range(3)
            },
            "spanish": accepted(anna, SPANISH, name="es.md", source="es"),
        }
        his = accepted(ben, FORM, name="his.md")
    api.work_off(*(job["id"] for job in jobs.values()))
    api.work_off(his["id"], user="ben")
    return {**jobs, "pages": pages}


@pytest.fixture
def anna(api: RunningApi, corpus: dict[str, Any]) -> Iterator[httpx.Client]:
    """Anna, with her documents published."""
    with api.client("anna") as client:
        yield client


def asked(client: httpx.Client, question: str, **body: Any) -> list[dict[str, Any]]:
    """The passages that answer."""
    answer = client.post("/search", json={"question": question, **body})
    assert answer.status_code == 200, answer.text
    passages: list[dict[str, Any]] = answer.json()["passages"]
    return passages


def test_a_citation_leads_to_page_and_file(
    api: RunningApi, anna: httpx.Client, corpus: dict[str, Any]
) -> None:
    """Version, hash, characters and box are those of the page view; the link gives the bytes."""
    job = corpus["book"]
    page = stored_document(api, job["id"]).pages[0]
    line = page.text.split("\n")[0]
    described: ParsedPage = replace(
        page, size=(612.0, 792.0), regions=(region_of(page, line, LINE, RegionKind.PARAGRAPH),)
    )
    describe(api, job["id"], {1: described})
    [found] = asked(anna, "wombat", mode="text", documents=[job["document_id"]])
    cited = found["citation"]
    assert (cited["document_id"], cited["version"]) == (job["document_id"], 1)
    assert cited["file_sha256"] == sha256(corpus["pages"]).hexdigest()
    whole = stored_document(api, job["id"]).text
    assert whole[cited["start"] : cited["end"]] == found["text"]
    marked = {found["text"][start:end].lower() for start, end in cited["highlights"]}
    assert marked == {"wombat"}
    assert cited["boxes"][0] == {
        "page": 1, "left": LINE.left, "top": LINE.top, "right": LINE.right, "bottom": LINE.bottom,
    }  # fmt: skip
    shown = anna.get(f"/documents/{job['document_id']}/pages/{cited['page_first']}").json()
    assert [chunk["id"] for chunk in shown["chunks"]] == [cited["chunk_id"]]
    assert [list(LINE)] == shown["chunks"][0]["boxes"]
    link = anna.get(f"{api.url}{cited['original']}").json()
    assert httpx.get(link["url"]).content == corpus["pages"]


def test_a_passage_of_copies_names_the_others(anna: httpx.Client) -> None:
    """Once, with its edition; another user's copy is none."""
    [found] = asked(anna, "platypus exclusion", mode="text")
    assert {found["name"], *(each["document"] for each in found["copies"])} == {
        "form0.md", "form1.md", "form2.md",
    }  # fmt: skip
    assert found["copy_count"] == 2
    assert all(each["same"] and each["edition"] == "04/13" for each in found["copies"])
    assert (found["citation"]["edition"], found["citation"]["date"]) == ("04/13", "2013-04-01")
    assert (found["citation"]["paragraph_first"], found["citation"]["paragraph_last"]) == (1, 2)


def test_places_can_be_left_out(anna: httpx.Client) -> None:
    """Without places, nothing is told for which a text would have to be read."""
    [found] = asked(anna, "platypus exclusion", mode="text", places=False)
    cited = found["citation"]
    assert (cited["paragraph_first"], cited["boxes"], cited["tables"]) == (None, [], [])
    assert cited["highlights"]


def test_a_lost_text_loses_no_answer(api: RunningApi, anna: httpx.Client) -> None:
    """Without the stored text, a passage is cited without its place."""
    job = accepted(anna, text("quokka"), name="quokka.md", source="quokka")
    api.work_off(job["id"])
    lose_text(api, job["id"])
    [found] = asked(anna, "quokka", mode="text")
    assert found["citation"]["paragraph_first"] is None


def test_a_search_is_limited(anna: httpx.Client, corpus: dict[str, Any]) -> None:
    """By several documents, by a period and by languages."""

    def names(**body: Any) -> set[str]:
        return {each["name"] for each in asked(anna, "platypus wombat granizo", limit=50, **body)}

    ids = {name: corpus[name]["document_id"] for name in ("book", "form1", "spanish")}
    assert names(documents=[ids["book"], ids["form1"]]) == {"book.pdf", "form1.md"}
    assert names(document=ids["book"], documents=[ids["form1"]]) == {"book.pdf", "form1.md"}
    assert names(languages=["es"]) == {"es.md"}
    assert {name[:4] for name in names(until="2013-04-01")} == {"form"}
    assert not {name for name in names(since="2013-04-02") if name.startswith("form")}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"since": "2024-02-01", "until": "2024-01-01"}, 422),
        ({"languages": ["english"]}, 422),
        ({"since": "yesterday"}, 422),
        ({"documents": ["00000000-0000-0000-0000-000000000000"]}, 404),
    ],
)
def test_wrong_limits_are_refused(anna: httpx.Client, body: dict[str, Any], status: int) -> None:
    """A period without days, no code of a language, no day, no document of theirs: in words."""
    is_problem(anna.post("/search", json={"question": "hail", **body}), status)


def test_another_users_document_is_none(anna: httpx.Client, api: RunningApi) -> None:
    """Limited to Ben's document, Anna gets what she gets for one that does not exist."""
    with api.client("ben") as ben:
        [his] = ben.get("/documents").json()["items"]
    answers = [
        anna.post("/search", json={"question": "platypus", "documents": [each]})
        for each in (his["id"], str(uuid4()))
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert answers[0].json()["detail"] == answers[1].json()["detail"]


def test_a_document_tells_its_edition(anna: httpx.Client, corpus: dict[str, Any]) -> None:
    """With the newest version of a document."""
    shown = anna.get(f"/documents/{corpus['form0']['document_id']}").json()
    assert shown["edition"] == {
        "form": "", "edition": "04/13", "edition_date": "2013-04-01", "effective_date": None,
    }  # fmt: skip


def test_a_golden_question_is_kept_asked_and_removed(
    api: RunningApi, anna: httpx.Client, corpus: dict[str, Any]
) -> None:
    """With its passage, once; asking it notes the place; nobody else sees it or keeps hers."""
    question = "which vessels does the platypus exclusion apply to?"
    chunk = asked(anna, question)[0]["chunk_id"]
    kept = anna.post("/golden-questions", json={"question": question, "chunk_id": chunk})
    assert kept.status_code == 200, kept.text
    [expected] = kept.json()["expected"]
    assert expected["document"].startswith("form")
    assert "The platypus exclusion applies" in expected["quote"]
    again = anna.post("/golden-questions", json={"question": question, "chunk_id": chunk})
    assert again.json() == kept.json()
    with api.client("ben") as ben:
        body = {"question": question, "chunk_id": chunk}
        is_problem(ben.post("/golden-questions", json=body), 404)
        assert ben.get("/golden-questions").json()["items"] == []
        is_problem(ben.delete(f"/golden-questions/{kept.json()['id']}"), 404)

    async def night() -> None:
        services = api.parts.services
        scored = await ask_questions(services, services.embedder, await asked_questions(services))
        await note_answers(services, scored.asked)

    api.run(night())
    [listed] = anna.get("/golden-questions").json()["items"]
    assert listed["found_at"] == 1
    assert listed["asked_at"] > listed["created_at"]
    assert '"golden_question"' in anna.get("/users/me/export").text
    assert anna.delete(f"/golden-questions/{listed['id']}").status_code == 204
    assert anna.get("/golden-questions").json()["items"] == []


def test_golden_questions_are_bounded(
    api: RunningApi, anna: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many a user may keep, since each is asked every night; one that is kept may grow."""
    monkeypatch.setattr(golden_questions, "MOST", 1)
    first, second = (each["chunk_id"] for each in asked(anna, "platypus")[:2])
    kept = anna.post("/golden-questions", json={"question": "one", "chunk_id": first}).json()
    is_problem(anna.post("/golden-questions", json={"question": "two", "chunk_id": first}), 409)
    more = anna.post("/golden-questions", json={"question": "one", "chunk_id": second})
    assert len(more.json()["expected"]) == 2
    assert anna.delete(f"/golden-questions/{kept['id']}").status_code == 204
