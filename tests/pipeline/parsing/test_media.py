from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.media import MediaType, shown_name, sniff
from tests.growth import assert_linear
from tests.pipeline.parsing.made_files import archive, bitmap, docx, pdf, picture_docx


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
        (archive("a.txt"), "x.docx", "x.docx is a ZIP archive, not a Word document."),
        (archive("a.txt"), "x.xlsx", "x.xlsx is a ZIP archive, not an Excel workbook."),
        (b"Rar!\x1a\x07\x01", "x.zip", "x.zip is a RAR archive, not a ZIP archive."),
        (b"RIFF0000WAVEfmt ", "x.wav", "x.wav is a sound or video file, which cannot be parsed."),
        (b"!BDN0000", "x.pst", "x.pst is an Outlook mailbox, which cannot be parsed."),
        (archive("META-INF/container.xml"), "x.epub", "x.epub is an EPUB book, which only Llama"),
        (b"0000ftypheic0000", "x.heic", "x.heic is a HEIC picture, which only LlamaParse reads: "),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "x", "x is an Office file of an unknown kind"),
        (b"no workbook", "x.xlsx", "x.xlsx is a plain text, not an Excel workbook."),
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


def test_protected_office_file_is_what_its_name_says() -> None:
    """A Word file with a password is told from an old one."""
    content = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le")
    assert sniff(content, "policy.docx") is MediaType.DOCX
    assert sniff(content, "rates.xlsx") is MediaType.XLSX


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        (b"\x89PNG\r\n\x1a\n0000", "claims.pdf", MediaType.PNG),
        (b"\xff\xd8\xff\xe0", "x.docx", MediaType.JPEG),
        (b"RIFF0000WEBPVP8 ", "x.md", MediaType.WEBP),
        (b"II*\x00\x08", "fax", MediaType.TIFF),
        (bitmap(), "x.txt", MediaType.BMP),
        (b"BM is how the name of our broker begins, in this letter.", "x.txt", MediaType.TEXT),
        (archive("[Content_Types].xml", "xl/workbook.xml"), "x", MediaType.XLSX),
        (archive("[Content_Types].xml", "xl/workbook.bin"), "x.xlsx", MediaType.XLSB),
        (archive("[Content_Types].xml", "ppt/presentation.xml"), "x.zip", MediaType.PPTX),
        (archive("a.pdf", "b.pdf"), "x.zip", MediaType.ZIP),
        (archive("a.pdf"), "x", MediaType.ZIP),
        (b"PK\x05\x06" + b"\0" * 18, "x.zip", MediaType.ZIP),
        (b"{\\rtf1 x}", "x.txt", MediaType.RTF),
        (b"a;b\n1;2", "rates.csv", MediaType.CSV),
        (b"a\tb\n1\t2", "rates.tsv", MediaType.TSV),
        (b"a\tb\n1\t2", "rates.xls", MediaType.TSV),
        (b"<html><table>", "rates.xls", MediaType.HTML),
        (b"Subject: Claim\n\nWater damage", "claim.eml", MediaType.EML),
        (b"From: a@b.c\nMessage-ID: <1@b.c>\n\nHello", "claim", MediaType.EML),
        (b"From: us\nTo: you\n\nA letter that was typed.", "letter.txt", MediaType.TEXT),
        (b"From: <Saved by Blink>\nSnapshot-Content-Location: x\nMIME-Version: 1.0\n\n", "a",
         MediaType.MHTML),
    ],
)  # fmt: skip
def test_what_insurers_have_is_told_by_content(
    content: bytes, name: str, expected: MediaType
) -> None:
    """E-mails, workbooks, pictures and archives are known by their bytes."""
    assert sniff(content, name) is expected


def test_kinds_that_only_llamaparse_reads_go_to_it() -> None:
    """A file that is refused here is taken when LlamaParse reads it."""
    assert sniff(b"0000ftypheic0000", "x.heic", remote=True) is MediaType.HEIC


def test_many_empty_comments_are_looked_through_at_once() -> None:
    """The beginning of a page is found in time that grows with its length alone."""
    assert sniff(b"<!---->" * 5_000 + b"x", "a.txt") is MediaType.TEXT
    assert sniff(b"<!---->" * 5_000 + b"<html>", "a.txt") is MediaType.HTML
    assert_linear(lambda count: sniff(b"<!---->" * count + b"x", "a.txt"), 600, 5_000)


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
