"""A page in the terminal: what a document says does not steer it."""

from __future__ import annotations

from uuid import uuid4

import pytest

from app.cli.page import print_page
from pipeline.documents import ParsedPage
from pipeline.notes import Note, NoteKind
from pipeline.store.page_queries import VersionView
from stages.page_view import PageView


def test_a_documents_text_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Control and direction characters of name, text and footers are shown as replaced ones."""
    version = VersionView(
        uuid4(), uuid4(), uuid4(), "/x", "\x1b]0;name\x07.pdf", 1, "complete", True,
        "application/pdf", "0" * 64, "key", "key", 1, None,
    )  # fmt: skip
    page = ParsedPage(1, "Copay\t$20\n\x1b[2Jgone\u202e", furniture=("\x9b31mfooter",))
    gap = Note(NoteKind.PICTURE_NOT_READ, "A picture was not read.", (1,))
    print_page(PageView(version, page, 1, True, (gap,), [], True))
    shown = capsys.readouterr()
    assert shown.out == "Copay    $20\n\ufffd[2Jgone\ufffd\n"
    assert "Not read: A picture was not read." in shown.err
    assert not {"\x1b", "\x9b", "\x07", "\u202e"} & set(shown.out + shown.err)
