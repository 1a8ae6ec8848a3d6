from __future__ import annotations

from io import BytesIO
from zipfile import ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.local import parse_bytes
from pipeline.parsing.media import MediaType
from pipeline.parsing.options import ParseOptions
from tests.growth import processor_seconds
from tests.pipeline.parsing.made_files import SENTENCE, docx, docx_with, picture_docx

_WORD = b'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def parse(content: bytes) -> str:
    return parse_bytes(content, MediaType.DOCX, ParseOptions()).text


def document_xml(body: bytes, prologue: bytes = b"") -> bytes:
    xml = b'<?xml version="1.0"?>%s<w:document %s><w:body>%s</w:body></w:document>'
    return docx_with({"word/document.xml": xml % (prologue, _WORD, body)})


def refusal(content: bytes) -> ParseError:
    with pytest.raises(ParseError) as caught:
        parse(content)
    return caught.value


def test_headings_lists_and_tables_survive() -> None:
    """A Word document becomes Markdown; what its page header says comes first."""
    text = parse(docx())
    assert text.startswith("Effective March 1, 2026\n\n# Life Policy\n\n# Benefits")
    assert SENTENCE in text
    assert "- Death benefit" in text
    assert "| Rider | Premium |\n| --- | --- |\n| Waiver \\| disability | $12 |" in text


def test_picture_only_document_is_scanned() -> None:
    """A Word document of pictures has a scanned page without text."""
    document = parse_bytes(picture_docx(), MediaType.DOCX, ParseOptions())
    assert document.pages[0].scanned
    assert not document.text


def test_text_of_removed_links_and_pictures_stays_plain() -> None:
    """No base64 picture and no link address gets into the text."""
    assert "data:" not in parse(picture_docx())


def test_zip_bomb_is_refused() -> None:
    """A part that unpacks to 100 MB of XML is refused by its size, before anything unpacks it."""
    bomb = docx_with({"word/document.xml": b" " * (100 * 1024**2)})
    assert refusal(bomb).parse_code is ParseCode.TOO_LARGE
    refused = processor_seconds(lambda: refusal(bomb), 3)
    with ZipFile(BytesIO(bomb)) as archive:
        assert refused < processor_seconds(lambda: archive.read("word/document.xml"), 3) / 10


def test_lying_sizes_do_not_help_a_bomb() -> None:
    """A part that declares less than it unpacks to is a damaged archive."""
    bomb = docx_with({"word/zbomb.xml": b"<a>" + b" " * (40 * 1024**2) + b"</a>"})
    size = (40 * 1024**2 + 7).to_bytes(4, "little")
    assert bomb.count(size) == 2
    assert refusal(bomb.replace(size, b"\x09\0\0\0")).parse_code is ParseCode.BROKEN


def test_too_many_parts_are_refused() -> None:
    """An archive with thousands of members is no document."""
    error = refusal(docx_with({f"word/{n}.bin": b"" for n in range(5001)}))
    assert error.parse_code is ParseCode.TOO_LARGE


def test_external_entities_are_refused(tmp_path: object) -> None:
    """XML that names an outside file is refused and the file is not read."""
    dtd = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
    error = refusal(document_xml(b"<w:p><w:r><w:t>&e;</w:t></w:r></w:p>", dtd))
    assert error.parse_code is ParseCode.UNSUPPORTED_TYPE
    assert "entities" in error.message


def test_billion_laughs_are_refused() -> None:
    """Entities that multiply are refused before they do."""
    entities = b"".join(
        b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10 if n else b"ha") for n in range(12)
    )
    error = refusal(document_xml(b"<w:p>&l11;</w:p>", b"<!DOCTYPE x [%s]>" % entities))
    assert error.parse_code is ParseCode.UNSUPPORTED_TYPE


def test_entities_in_any_part_are_refused() -> None:
    """Hostile XML is found in the parts beside the text, too."""
    evil = b'<!DOCTYPE x [<!ENTITY e "x">]><x>&e;</x>'
    for part in ("word/header9.xml", "word/_rels/document.xml.rels", "[Content_Types].xml"):
        assert refusal(docx_with({part: evil})).parse_code is ParseCode.UNSUPPORTED_TYPE


def test_deep_nesting_is_broken() -> None:
    """Elements nested thousands deep end as a broken file, not as a crash."""
    deep = b"<w:p>" + b"<w:r>" * 5000 + b"</w:r>" * 5000 + b"</w:p>"
    assert refusal(document_xml(deep)).parse_code is ParseCode.BROKEN


@pytest.mark.parametrize(
    "content",
    [
        docx()[:2000],
        docx_with({"word/document.xml": b"<w:document"}),
        docx_with({"word/document.xml": b""}),
        docx_with({"word/document.xml": b"<a/>"}),
    ],
)
def test_damaged_documents_are_broken(content: bytes) -> None:
    """A truncated archive, or one without a readable text part, is broken."""
    assert refusal(content).parse_code is ParseCode.BROKEN


def test_encrypted_member_is_told() -> None:
    """An archive with a password is encrypted, not broken."""
    content = bytearray(docx())
    at = 0
    while (at := content.find(b"PK\x01\x02", at)) >= 0:
        content[at + 8] |= 1
        at += 4
    assert refusal(bytes(content)).parse_code is ParseCode.ENCRYPTED


_SAMPLE = docx()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, len(_SAMPLE) - 1), st.binary(min_size=1, max_size=30))
def test_damaged_bytes_end_in_text_or_a_reason(at: int, noise: bytes) -> None:
    """A Word file with bytes changed gives text or a `ParseError`, nothing else."""
    try:
        parse(_SAMPLE[:at] + noise + _SAMPLE[at + len(noise) :])
    except ParseError as error:
        assert error.parse_code is not ParseCode.CRASHED
