from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.media import MediaType, shown_name, sniff
from tests.pipeline.parsing.made_files import archive, docx, pdf, picture_docx


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        (pdf(), "a.pdf", MediaType.PDF),
        (pdf(), "a.txt", MediaType.PDF),
        (b"\r\n" + pdf(), "a", MediaType.PDF),
        (b"\x00\x01junk" * 20 + pdf(), "a.bin", MediaType.PDF),
        (b"HTTP/1.1 200 OK\r\n\r\n" + pdf(), "a.pdf", MediaType.PDF),
        (docx(), "a.docx", MediaType.DOCX),
        (docx(), "a.pdf", MediaType.DOCX),
        (docx()[:600], "a.docx", MediaType.DOCX),
        (b"<!DOCTYPE html><p>x", "a.txt", MediaType.HTML),
        (b"\xef\xbb\xbf <?xml version='1.0'?><!-- x --><html>", "a", MediaType.HTML),
        (b"<p>a fragment", "a.htm", MediaType.HTML),
        (b"<html> may open a Markdown text", "a.md", MediaType.MARKDOWN),
        (b"# Policy", "A.MARKDOWN", MediaType.MARKDOWN),
        (b"plain", "notes.txt", MediaType.TEXT),
        (b"plain", "notes", MediaType.TEXT),
        (b"A PDF file begins with %PDF-1.7, says the standard.", "a.md", MediaType.MARKDOWN),
        ("Prämie".encode("utf-16"), "a.txt", MediaType.TEXT),
        ("Premium due".encode("utf-16-le"), "a.txt", MediaType.TEXT),
        (b"Premium\x00 due on the first of the month", "a.txt", MediaType.TEXT),
    ],
)
def test_content_decides(content: bytes, name: str, expected: MediaType) -> None:
    """The bytes decide what a file is; its name decides only among kinds of text."""
    assert sniff(content, name) is expected


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"\x89PNG\r\n\x1a\n0000", "claims.pdf", "claims.pdf is a PNG picture, not a PDF."),
        (b"\xff\xd8\xff\xe0", "x.docx", "x.docx is a JPEG picture, not a Word document."),
        (b"RIFF0000WEBPVP8 ", "x.md", "x.md is a WebP picture, not a Markdown text."),
        (archive("xl/workbook.xml"), "x.xlsx", "x.xlsx is an Excel workbook, which cannot be"),
        (archive("a.txt"), "x.docx", "x.docx is a ZIP archive, not a Word document."),
        (b"PK\x05\x06" + b"\0" * 18, "x.zip", "x.zip is a ZIP archive, which cannot be parsed."),
        (b"{\\rtf1 x}", "x.txt", "x.txt is an RTF document, which cannot be parsed."),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "x.doc", "x.doc is an old Office file"),
        (b"\x7fELF\x02", "policy.pdf", "policy.pdf is a program, not a PDF."),
        (bytes(range(256)) * 8, "x.txt", "x.txt is a binary file of an unknown kind"),
        (b"404 not found", "policy.pdf", "policy.pdf is a plain text, not a PDF."),
        (b"<html>Log in", "policy.docx", "policy.docx is an HTML page, not a Word document."),
    ],
)
def test_foreign_content_is_named(content: bytes, name: str, message: str) -> None:
    """A file that is something else is refused in a sentence that says what it is."""
    with pytest.raises(ParseError) as caught:
        sniff(content, name)
    assert caught.value.parse_code is ParseCode.UNSUPPORTED_TYPE
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize("content", [b"", b"\x00" * 4096])
def test_empty_files_are_refused(content: bytes) -> None:
    """No bytes, or nothing but zero bytes, is an empty file."""
    with pytest.raises(ParseError) as caught:
        sniff(content, "claims.pdf")
    assert caught.value.parse_code is ParseCode.EMPTY


def test_protected_office_file_is_encrypted() -> None:
    """A Word file with a password is told from an old one."""
    content = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le")
    with pytest.raises(ParseError) as caught:
        sniff(content, "policy.docx")
    assert caught.value.parse_code is ParseCode.ENCRYPTED


def test_picture_docx_is_a_docx() -> None:
    """A Word file is one whatever stands in it."""
    assert sniff(picture_docx(), "a.docx") is MediaType.DOCX


@given(st.text(max_size=300))
def test_shown_names_are_harmless(name: str) -> None:
    """A name in a message is short and has no control, bidirectional or line-break characters."""
    shown = shown_name(name)
    assert 0 < len(shown) <= 61
    assert shown.isprintable()


def test_shown_name_is_the_last_part() -> None:
    """Folders, and tricks to leave them, are not repeated in a message."""
    assert shown_name("../../etc/passwd\r\nX: y") == "passwd��X: y"
    assert shown_name("C:\\files\\invoice\u202efdp.exe") == "invoice�fdp.exe"


@given(st.binary(max_size=400), st.sampled_from(["a.pdf", "a.docx", "a.html", "a.md", "a"]))
def test_any_bytes_have_a_type_or_a_reason(content: bytes, name: str) -> None:
    """Whatever the bytes are, the answer is a media type or a `ParseError`."""
    try:
        assert sniff(content, name) in MediaType
    except ParseError as error:
        assert error.message.endswith(".") and error.remedy
