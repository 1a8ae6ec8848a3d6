"""What `navigator search` prints of a passage: its edition, its place, and where else it stands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from app.cli.search import SearchRequest, print_answer
from pipeline.citations import Citation, Copy
from pipeline.store.search import Passage
from stages.search import SearchAnswer

HOSTILE = "\x1b[2J04/13\u202e"


def passage(edition: str = "", **other: Any) -> Passage:
    """A passage of a format without pages, cited."""
    document, chunk = uuid4(), uuid4()
    cited = Citation(
        document, "a.md", "/a.md", 1, uuid4(), "hash", "text/markdown", "en", "", edition, None,
        None, "2026-01-01", chunk, None, None, 3, 4, (), 0, 5, (), "other", (), (), "/o", "/p",
    )  # fmt: skip
    found = Passage(
        1.0, document, "/a.md", "a.md", None, None, [], "Hail is covered.", chunk, None, None, 1,
        "", "other", citation=cited,
    )  # fmt: skip
    return replace(found, **other)


def copy(name: str, edition: str = "") -> Copy:
    """The same on page 2 of another document."""
    return Copy(uuid4(), name, f"/{name}", uuid4(), 2, 2, 1, edition, None, None, True)


def printed(capsys: pytest.CaptureFixture[str], found: Passage) -> str:
    """What a person reads."""
    print_answer(SearchRequest("hail"), SearchAnswer([found], 1, 0))
    return " ".join(capsys.readouterr().out.split())


def test_edition_and_paragraphs_stand_beside_the_name(capsys: pytest.CaptureFixture[str]) -> None:
    """A passage of a format without pages tells its paragraphs."""
    assert "1. a.md edition 04/13 paragraphs 3–4 " in printed(capsys, passage("04/13"))


def test_copies_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Three of them, each with page and edition, and how many there are besides."""
    copies = tuple(copy(f"{name}.pdf", "01/26" if name == "b" else "") for name in "bcdef")
    told = printed(capsys, passage(copies=copies, copy_count=7))
    assert (
        "The same in: b.pdf (edition 01/26), page 2; c.pdf, page 2; d.pdf, page 2; and 4 more"
        in told
    )


def test_what_a_file_says_of_itself_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters in an edition are shown as codes, of the passage and of its copies."""
    found = passage(HOSTILE, copies=(copy("b.pdf", HOSTILE),), copy_count=1)
    told = printed(capsys, found)
    assert told.count("04/13") == 2
    assert not {"\x1b", "\u202e"} & set(told)
