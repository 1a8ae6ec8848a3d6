"""What a document lacks, wherever the command line shows a document."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.store.embedded import start_embedded, stop_embedded
from tests.app.navigating import Ended, Navigator
from tests.booklets import booklet


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Navigator, Ended]]:
    """A booklet of five pages, two of which are pictures, taken in beside a whole one."""
    folder = tmp_path_factory.mktemp("gaps")
    home = folder / "home"
    start_embedded(home / "postgres")
    navigator = Navigator(home)
    files = folder / "files"
    files.mkdir()
    booklet(files / "half.pdf", ("first", "", "middle", "", "last"))
    booklet(files / "whole.pdf", ("only",))
    yield navigator, navigator("ingest", files)
    stop_embedded(home / "postgres")


def test_ingest_tells_what_was_not_read(ingested: tuple[Navigator, Ended]) -> None:
    """The table's word, a line for the gap with its pages, the remedy, and exit code 0."""
    _, told = ingested
    assert told.code == 0, told.err
    assert "complete, with gaps" in told.out
    assert "! half.pdf: complete, with gaps" in told.out
    assert "Pages 2 and 4" in told.out
    assert "NAVIGATOR_OCR=true" in told.out
    assert "1 published, 1 complete, with gaps" in told.out
    assert "! whole.pdf" not in told.out


def test_again_is_unchanged_and_still_said(ingested: tuple[Navigator, Ended]) -> None:
    """Nothing is done anew, and a remark remains."""
    navigator, _ = ingested
    again = navigator.here("ingest", navigator.home.parent / "files")
    assert (again.code, "2 unchanged" in again.out) == (0, True)
    assert "1 of the unchanged have gaps" in again.err


def test_a_program_gets_the_notes(ingested: tuple[Navigator, Ended]) -> None:
    """With kind, pages and remedy, in ingest, list and status."""
    navigator, _ = ingested
    files = navigator.home.parent / "files"
    ingest = navigator.here("ingest", files, "--json").json
    [of_ingest] = [e for e in ingest["documents"] if e["document"] == "half.pdf"]
    assert of_ingest["state"] == "complete_with_gaps"
    [gap] = [note for note in of_ingest["notes"] if note["gap"]]
    assert (gap["pages"], bool(gap["remedy"])) == ([2, 4], True)
    [listed] = navigator.here("list", "--state", "gaps", "--json").json["documents"]
    assert listed["notes"] == of_ingest["notes"]
    assert listed["status"] == "complete, with gaps"
    status = navigator.here("status", "half.pdf", "--json").json
    assert status["versions"][0]["notes"] == of_ingest["notes"]
    assert status["quality_failures"] == []
    overview = navigator.here("status", "--json").json
    assert overview["by_state"] == {"complete": 1, "complete_with_gaps": 1}
    assert (overview["published"], max(run["published"] for run in overview["runs"])) == (2, 2)


def test_status_and_list_say_it(ingested: tuple[Navigator, Ended]) -> None:
    """The gap stands on top of a document's story; the list says where something was not read."""
    navigator, _ = ingested
    told = navigator.here("status", "half.pdf").out
    assert "complete, with gaps" in told
    assert told.index("Gap") < told.index("Parser")
    assert "Language   en" in told
    listed = navigator.here("list").out
    assert "pages 2 and 4" in listed
    assert "half.pdf" in navigator.here("list", "--state", "published").out
    assert "whole.pdf" not in navigator.here("list", "--state", "gaps").out
    assert "1 complete, with gaps" in navigator.here("status").out


def test_every_answer_says_it(ingested: tuple[Navigator, Ended]) -> None:
    """For a person and for a program; a document that was read whole is not doubted."""
    navigator, _ = ingested
    asked = ("search", "flood sublimit", "--mode", "text")
    told = navigator.here(*asked).out
    assert told.count("! ") == told.count("half.pdf")
    assert "Pages 2 and 4" in told
    passages = navigator.here(*asked, "--json").json["passages"]
    assert {each["document"] for each in passages} == {"half.pdf", "whole.pdf"}
    for each in passages:
        assert [gap["pages"] for gap in each["gaps"]] == (
            [[2, 4]] if each["document"] == "half.pdf" else []
        )
        assert isinstance(each["gap_here"], bool)


def test_the_report_names_it(ingested: tuple[Navigator, Ended], tmp_path: Path) -> None:
    """In a section of its own, with the pages."""
    navigator, _ = ingested
    page = tmp_path / "report.html"
    assert navigator.here("report", "--output", page, "--no-open").code == 0
    text = page.read_text("utf-8")
    section = text[text.index('id="lacking"') :].partition("</section>")[0]
    assert "half.pdf" in section
    assert "Pages 2 and 4" in section
    assert "NAVIGATOR_OCR=true" in section
    assert "whole.pdf" not in section
