"""Presentations, OpenDocument texts, RTF, old Word files, pictures, Outlook messages."""

from __future__ import annotations

import io
import shutil
import struct
from pathlib import Path

import pytest
from PIL import Image

from pipeline.documents import ParsedDocument
from pipeline.errors import ParseCode, ParseError
from pipeline.notes import NoteKind
from pipeline.parsing import image
from pipeline.parsing.local import parse_bytes
from pipeline.parsing.media import sniff
from pipeline.parsing.ocr import find_tessdata, installed_languages
from pipeline.parsing.options import ParseOptions
from tests.pipeline.parsing.compound_files import compound
from tests.pipeline.parsing.made_files import bitmap, picture
from tests.pipeline.parsing.office_files import open_document, presentation

needs_tesseract = pytest.mark.skipif(
    find_tessdata(None) is None, reason="tesseract's data is not installed"
)


def parsed(content: bytes, name: str, **options: object) -> ParsedDocument:
    return parse_bytes(content, sniff(content, name), ParseOptions(**options))  # type: ignore[arg-type]


def as_picture(form: str, pages: int = 1) -> bytes:
    """A picture of a page of text."""
    out = io.BytesIO()
    drawn = [picture(f"Deductible {n}00 dollars") for n in range(5, 5 + pages)]
    more = {"save_all": True, "append_images": drawn[1:]} if pages > 1 else {}
    drawn[0].save(out, form, **more)
    return out.getvalue()


def test_slides_are_pages_with_their_notes() -> None:
    """A slide has its title as heading, its list and table; the hidden one is left out and said."""
    document = parsed(presentation(), "x.pptx")
    assert [page.number for page in document.pages] == [1, 3]
    first, last = document.pages
    assert first.text.startswith("# Benefits 2026\n\n- Dental is covered\n\n| Plan | Copay |")
    assert first.tables[0].rows == (("Gold", "$10"), ("Gold", "$20"))
    assert last.text == "# Questions\n\nSpeaker's notes:\n\nMention the waiting period."
    assert "Never shown" not in document.text
    assert [(note.kind, note.pages) for note in document.notes] == [
        (NoteKind.HIDDEN_LEFT_OUT, (2,))
    ]


def test_an_open_text_has_headings_lists_and_tables() -> None:
    """An ODT becomes Markdown; hidden and deleted text stays out."""
    hidden = (
        '<style:style style:name="T9"><style:text-properties text:display="none"/></style:style>'
    )
    body = (
        "<text:tracked-changes><text:p>deleted</text:p></text:tracked-changes>"
        '<text:h text:outline-level="2">Exclusions</text:h>'
        "<text:p>War<text:s/>and<text:tab/>floods"
        "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>As defined."
        "</text:p></text:note-body></text:note></text:p>"
        '<text:p><text:span text:style-name="T9">secret</text:span>Seen.</text:p>'
        "<text:list><text:list-item><text:p>one</text:p><text:list><text:list-item><text:p>two"
        "</text:p></text:list-item></text:list></text:list-item></text:list>"
        "<table:table><table:table-row><table:table-cell><text:p>Plan</text:p></table:table-cell>"
        "<table:table-cell><text:p>Copay</text:p></table:table-cell></table:table-row>"
        "<table:table-row><table:table-cell><text:p>Gold</text:p></table:table-cell>"
        "<table:table-cell><text:p>$5</text:p></table:table-cell></table:table-row></table:table>"
    )
    document = parsed(open_document("text", body, hidden), "x.odt")
    assert document.text == (
        "## Exclusions\n\nWar and floods [1]\n\nNote: As defined.\n\nSeen.\n\n- one\n  - two\n\n"
        "| Plan | Copay |\n| --- | --- |\n| Gold | $5 |"
    )
    assert [note.kind for note in document.notes] == [NoteKind.HIDDEN_LEFT_OUT]


def test_rich_text_keeps_its_letters_and_tables() -> None:
    """RTF gives its words in their code page, and rows of cells as a table."""
    content = (
        rb"{\rtf1\ansi\ansicpg1250 Spolu\'fa\'e8ast \'e8in\'ed p\'ect tis\'edc.\par "
        rb"\trowd\cellx1000\cellx2000 Plan\cell Copay\cell\row"
        rb"\trowd\cellx1000\cellx2000 Gold\cell $5\cell\row\pard End.\par}"
    )
    document = parsed(content, "x.rtf")
    assert "Spoluúčast činí pět tisíc." in document.text
    (table,) = document.pages[0].tables
    assert (table.header, table.rows) == (("Plan", "Copay"), (("Gold", "$5"),))


def test_an_old_word_file_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without LibreOffice a DOC is refused in a sentence that says what to do."""
    monkeypatch.setattr(shutil, "which", lambda _: None)
    content = compound({"WordDocument": b"\xec\xa5" + bytes(2000)})
    with pytest.raises(ParseError) as caught:
        parsed(content, "x.doc")
    assert caught.value.parse_code is ParseCode.UNSUPPORTED_TYPE
    assert "install LibreOffice, or save it as DOCX" in caught.value.message


def test_an_old_word_file_is_converted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LibreOffice is called on a copy in a folder of its own, and its DOCX is read."""
    from tests.pipeline.parsing.made_files import docx

    (tmp_path / "made.docx").write_bytes(docx())
    program = tmp_path / "soffice"
    # stands in for LibreOffice, which a machine of tests need not have: the last two arguments
    # are the folder to write to and the file to read
    program.write_text(
        "#!/bin/sh\nwhile [ $# -gt 2 ]; do shift; done\n"
        f'test -s "$2" && mkdir -p "$1" && cp "{tmp_path}/made.docx" "$1/document.docx"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    content = compound({"WordDocument": b"\xec\xa5" + bytes(2000)})
    assert parsed(content, "x.doc").text == parsed(docx(), "x.docx").text


@pytest.mark.parametrize("name", ["white.bmp", "white.txt", "white.pdf"])
def test_a_picture_is_never_text(name: str) -> None:
    """Without OCR a picture is refused as one, with what to do."""
    with pytest.raises(ParseError) as caught:
        parsed(bitmap(), name)
    assert caught.value.parse_code is ParseCode.NO_TEXT
    assert caught.value.message.startswith("It is a picture")
    assert "NAVIGATOR_OCR=true" in caught.value.remedy


@needs_tesseract
@pytest.mark.parametrize("form", ["PNG", "JPEG", "BMP", "GIF", "WEBP"])
def test_a_picture_of_a_page_is_read(form: str) -> None:
    """With OCR a scan's words are its text, and a note says how they were read."""
    document = parsed(as_picture(form), "scan", ocr=True)
    assert "500 dollars" in document.text
    assert NoteKind.READ_BY_OCR in {note.kind for note in document.notes}


@needs_tesseract
def test_every_page_of_a_fax_is_read() -> None:
    """A TIFF of several pages has as many pages."""
    document = parsed(as_picture("TIFF", pages=2), "fax.tif", ocr=True)
    assert document.paged
    assert ["500" in page.text for page in document.pages] == [True, False]
    assert "600" in document.pages[1].text


def test_a_missing_language_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    """Who asks for German and has English is told so."""
    (tmp_path / "eng.traineddata").write_bytes(b"x")
    with pytest.raises(ParseError) as caught:
        parsed(bitmap(), "x.bmp", ocr=True, ocr_languages="eng+deu", tessdata_path=str(tmp_path))
    assert "data for deu is not installed (there is: eng)" in caught.value.message
    assert installed_languages(str(tmp_path)) == ["eng"]
    assert find_tessdata(str(tmp_path), "eng+deu") is None


def test_a_picture_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture of more pixels than any page has is not unpacked."""
    monkeypatch.setattr(image, "MAX_PIXELS", 100)
    with pytest.raises(ParseError) as caught:
        list(image.frames(bitmap(), ParseOptions()))
    assert caught.value.parse_code is ParseCode.TOO_LARGE


def test_half_a_picture_is_broken() -> None:
    """A picture that ends too soon ends in a sentence."""
    out = io.BytesIO()
    Image.new("RGB", (200, 200), "white").save(out, "PNG")
    with pytest.raises(ParseError) as caught:
        list(image.frames(out.getvalue()[:40], ParseOptions()))
    assert caught.value.parse_code is ParseCode.BROKEN


def _fixed(number: int, kind: int, value: bytes) -> bytes:
    return struct.pack("<HHI", kind, number, 6) + value.ljust(8, b"\0")


def _message(subject: str, body: str, head: int, folder: str = "") -> dict[str, bytes]:
    sent = ((1_741_075_920 + 11_644_473_600) * 10**7).to_bytes(8, "little")
    return {
        f"{folder}__properties_version1.0": bytes(head) + _fixed(0x0039, 0x0040, sent),
        f"{folder}__substg1.0_0037001F": subject.encode("utf-16-le"),
        f"{folder}__substg1.0_1000001F": body.encode("utf-16-le"),
        f"{folder}__substg1.0_0C1A001F": "Jana Nováková".encode("utf-16-le"),
        f"{folder}__substg1.0_5D01001F": "jana@example.com".encode("utf-16-le"),
        f"{folder}__substg1.0_1035001F": "<1@example.com>".encode("utf-16-le"),
    }


def test_an_outlook_message_is_a_letter() -> None:
    """A MSG has the facts, words and files of its letter, and the message inside as one."""
    attached, inner = "__attach_version1.0_#00000000/", "__attach_version1.0_#00000001/"
    recipient = "__recip_version1.0_#00000000/"
    content = compound(
        _message("Claim 77", "The kitchen was flooded.", 32)
        | {
            f"{recipient}__properties_version1.0": bytes(8) + _fixed(0x0C15, 3, b"\1"),
            f"{recipient}__substg1.0_3001001F": "Claims".encode("utf-16-le"),
            f"{recipient}__substg1.0_39FE001F": "claims@example.com".encode("utf-16-le"),
            f"{attached}__properties_version1.0": bytes(8),
            f"{attached}__substg1.0_37010102": b"a,b\n1,2\n",
            f"{attached}__substg1.0_3707001F": "rates.csv".encode("utf-16-le"),
            f"{inner}__properties_version1.0": bytes(8),
        }
        | _message("Notice", "It began in March.", 24, f"{inner}__substg1.0_3701000D/")
    )
    document = parsed(content, "x.msg")
    assert document.facts == {
        "from": "Jana Nováková <jana@example.com>",
        "to": "Claims <claims@example.com>",
        "date": "2025-03-04 08:12 +0000",
        "subject": "Claim 77",
        "message_id": "<1@example.com>",
    }
    assert document.text.endswith("The kitchen was flooded.")
    rates, notice = document.attachments
    assert (rates.name, rates.content) == ("rates.csv", b"a,b\n1,2\n")
    inside = parsed(notice.content, notice.name)
    assert inside.facts["subject"] == "Notice"
    assert "It began in March." in inside.text


def test_a_letter_that_only_rich_text_holds_is_unpacked() -> None:
    """Outlook's packed RTF is unpacked when a message has no other text."""
    from pipeline.parsing.office.rtf import compressed_text

    # the example of the format's own description
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af3206865"
        "6c090020627705b06c647d0a800fa0"
    )
    assert compressed_text(packed) == "hello world"
    with pytest.raises(ParseError) as caught:
        compressed_text(packed[:16] + b"\xff" + b"\xff" * 16)
    assert caught.value.parse_code is ParseCode.BROKEN
