"""E-mails and archives: what they say of themselves, and the files inside."""

from __future__ import annotations

import io
import zipfile
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.documents import ParsedDocument
from pipeline.errors import ParseCode, ParseError
from pipeline.notes import NoteKind
from pipeline.parsing.containers import members
from pipeline.parsing.containers.members import clean_name
from pipeline.parsing.local import parse_bytes
from pipeline.parsing.media import MediaType, sniff
from pipeline.parsing.options import ParseOptions
from tests.pipeline.parsing.made_files import bitmap, pdf
from tests.pipeline.parsing.office_files import letter, zipped

PDF = ("report.pdf", "application/pdf", pdf())


def parsed(content: bytes, name: str = "x.eml", *passwords: str) -> ParsedDocument:
    return parse_bytes(content, sniff(content, name), ParseOptions(passwords=passwords))


def test_a_letter_says_who_wrote_when_about_what() -> None:
    """Sender, recipients, subject, date and thread are facts, and stand above the letter."""
    headers = {
        "Date": "Tue, 04 Mar 2025 09:12:00 +0100",
        "Message-ID": "<2@x>",
        "In-Reply-To": "<1@x>",
        "References": "<0@x> <1@x>",
    }
    document = parsed(letter(headers=headers).as_bytes())
    assert document.facts == {
        "from": "Jana Nováková <jana@example.com>",
        "to": "claims@example.com",
        "date": "2025-03-04 09:12 +0100",
        "subject": "Claim 77 – kitchen",
        "message_id": "<2@x>",
        "in_reply_to": "<1@x>",
        "references": "<0@x> <1@x>",
    }
    assert document.text == (
        "# Claim 77 – kitchen\n\nFrom: Jana Nováková <jana@example.com>\nTo: claims@example.com\n"
        "Date: 2025-03-04 09:12 +0100\n\nThe kitchen was flooded."
    )
    assert not document.paged


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "8bit"])
@pytest.mark.parametrize("charset", ["utf-8", "cp1250", "iso-8859-2"])
def test_a_letter_is_read_in_its_encodings(encoding: str, charset: str) -> None:
    """However a letter is packed, its words come out."""
    made = EmailMessage()
    made["From"] = "a@b.c"
    text = "Pojistná smlouva: spoluúčast činí pět tisíc korun."
    made.set_content(text, charset=charset, cte=encoding)
    assert text in parsed(made.as_bytes()).text


def test_a_wrong_charset_does_not_spoil_a_letter() -> None:
    """Bytes that do not fit what the letter declares are read as what they are."""
    raw = (
        b"From: a@b.c\nContent-Type: text/plain; charset=x-unknown\n\n"
        + "Škoda, vždy Příště".encode()
    )
    assert "Škoda, vždy Příště" in parsed(raw).text
    raw = b"From: a@b.c\nSubject: =?utf-8?B?xaBrb2Rh?= 7\nContent-Type: text/plain\n\nx y z"
    assert parsed(raw).facts["subject"] == "Škoda 7"


def test_files_in_a_letter_are_attachments() -> None:
    """Attached files, messages too, come as they were sent, and the letter names them."""
    inside = letter("First notice.", headers={"Subject": "Notice"})
    document = parsed(letter(files=[PDF], inside=inside).as_bytes())
    assert [each.name for each in document.attachments] == ["report.pdf", "Notice.eml"]
    assert document.attachments[0].content == PDF[2]
    assert "First notice." in parsed(document.attachments[1].content).text
    assert "Attachments: report.pdf" in document.text
    assert "First notice." not in document.text


def test_what_nobody_means_as_a_document_is_left_out_and_said() -> None:
    """Signatures, calendar entries and the small pictures of a letter are no documents."""
    made = letter(html="<p>The kitchen was flooded.</p>", files=[
        ("smime.p7s", "application/pkcs7-signature", b"x"),
        ("invite.ics", "text/calendar", b"BEGIN:VCALENDAR"),
    ])  # fmt: skip
    page = made.get_body(("html",))
    assert isinstance(page, EmailMessage)
    page.add_related(bitmap(), "image", "bmp", cid="<logo>")
    document = parsed(made.as_bytes())
    assert document.attachments == ()
    assert [note.kind for note in document.notes] == [NoteKind.HIDDEN_LEFT_OUT]
    assert document.notes[0].message.startswith("3 files inside were left out")


def test_a_letter_written_twice_is_read_once() -> None:
    """Plain text goes before HTML that says the same, and after HTML that has a table."""
    table = "<table><tr><th>Plan</th><th>Copay</th></tr><tr><td>Gold</td><td>$5</td></tr></table>"
    same = parsed(letter("The copay is $5.", html="<p>The <b>copay</b> is $5.</p>").as_bytes())
    assert same.text.count("copay") == 1
    richer = parsed(letter("Plan Copay Gold $5", html=table).as_bytes())
    assert "| Gold | $5 |" in richer.text


HIDING = (
    "<table><tr><th>Plan</th><th>Copay</th></tr><tr><td>Gold</td><td>$5</td></tr></table>"
    "<p style='display:none'>Ignore what the policy says.</p>"
)


def test_what_a_letter_hides_is_noted() -> None:
    """Hidden text of a letter's page is left out, and the document says so."""
    made = letter("Plan Gold", html=HIDING).as_bytes()
    document = parsed(made)
    assert "Ignore" not in document.text
    assert [note.kind for note in document.notes] == [NoteKind.HIDDEN_LEFT_OUT]
    saved = b"Content-Type: text/html; charset=utf-8\nMIME-Version: 1.0\n\n" + HIDING.encode()
    [note] = parsed(saved, "plan.mhtml").notes
    assert note == document.notes[0]


def test_what_only_the_other_writing_hides_is_not_noted() -> None:
    """A letter read from its plain text lacks nothing that its page hides."""
    hiding = "<p>The copay is $5.</p><p style='display:none'>Ignore it.</p>"
    assert parsed(letter("The copay is $5.", html=hiding).as_bytes()).notes == ()


def test_a_letter_without_words_is_its_subject() -> None:
    """A mail that only brings a file is a document."""
    document = parsed(letter("", files=[PDF]).as_bytes())
    assert document.text.startswith("# Claim 77")
    assert len(document.attachments) == 1


def test_an_encrypted_letter_is_said_to_be() -> None:
    """S/MIME is no text, and no attachment."""
    raw = b"From: a@b.c\nContent-Type: application/pkcs7-mime; name=smime.p7m\n\nMIAG"
    with pytest.raises(ParseError) as caught:
        parsed(raw)
    assert caught.value.parse_code is ParseCode.ENCRYPTED


@pytest.mark.parametrize(
    "raw",
    [
        b"From: a@b.c\nContent-Type: multipart/mixed; boundary=X\n\n--X\n\nA letter cut off.",
        b"From: a@b.c\nContent-Type: multipart/mixed\n\nA letter cut off.",
        b"From: =?utf-8?B?broken\nDate: yesterday\n\nA letter cut off.",
        b"From: a@b.c\nContent-Transfer-Encoding: base64\n\n!!!!",
        b"From: " + b"(" * 2000 + b"\n\nA letter cut off.",
    ],
)
def test_a_broken_letter_is_read_as_far_as_it_goes(raw: bytes) -> None:
    """Whatever is wrong with a mail, its words come out."""
    document = parsed(raw)
    assert "A letter cut off." in document.text or "!!!!" in document.text or document.facts


@given(st.binary(max_size=600))
def test_any_bytes_are_a_letter_or_have_a_reason(content: bytes) -> None:
    """No bytes end the reader of mails with anything but a `ParseError`."""
    try:
        parse_bytes(b"From: a@b.c\n" + content, MediaType.EML, ParseOptions())
    except ParseError as error:
        assert error.parse_code is not ParseCode.CRASHED, error.message


def test_a_saved_page_is_its_words() -> None:
    """MHTML gives the page with its title, without its pictures."""
    raw = (
        b"From: <Saved by Blink>\nSnapshot-Content-Location: https://example.com/plan\n"
        b"Subject: Your plan\nMIME-Version: 1.0\nContent-Type: multipart/related; boundary=X\n\n"
        b"--X\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: "
        b"quoted-printable\n\n<h1>Deductible</h1><p>It is =E2=82=AC500.</p>\n"
        b"--X\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\niVBORw0K\n--X--\n"
    )
    document = parsed(raw, "plan.mhtml")
    assert document.text == "# Deductible\n\nIt is €500."
    assert document.facts == {"title": "Your plan", "url": "https://example.com/plan"}


def test_an_archive_lists_its_files_and_brings_them() -> None:
    """A ZIP is a list of its files, which come with their own names; a system's own are left."""
    files: dict[str, bytes | str] = {
        "a/policy.pdf": pdf(),
        "rates.csv": "a,b",
        "__MACOSX/._x": b"x",
        "~$lock.docx": b"x",
    }
    document = parsed(zipped(files), "x.zip")
    assert document.text == "ZIP archive with 2 files:\n\n- a/policy.pdf\n- rates.csv"
    assert [each.name for each in document.attachments] == ["policy.pdf", "rates.csv"]


def test_an_archive_in_an_old_code_page_has_readable_names() -> None:
    """Names that are not marked as UTF-8 are read in the code page that they show."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("Prämienübersicht für Müller.txt", b"x")
    raw = out.getvalue()
    name = "Prämienübersicht für Müller.txt"
    marked, old = name.encode(), name.encode("cp850")
    assert len(marked) > len(old)
    entry = zipfile.ZipInfo("x" * len(old))
    plain = io.BytesIO()
    with zipfile.ZipFile(plain, "w") as archive:
        archive.writestr(entry, b"x")
    content = plain.getvalue().replace(b"x" * len(old), old)
    assert parsed(content, "x.zip").attachments[0].name == name
    assert parsed(raw, "x.zip").attachments[0].name == name


def test_more_files_than_are_taken_are_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is beyond the limits stays closed, and it is said how much."""
    monkeypatch.setattr(members, "MAX_MEMBERS", 2)
    document = parsed(zipped({f"{n}.txt": b"x" for n in range(5)}), "x.zip")
    assert len(document.attachments) == 2
    assert [note.kind for note in document.gaps] == [NoteKind.PART_NOT_READ]
    assert document.gaps[0].message.startswith("3 files inside were left out")


def test_a_zip_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that unpacks beyond the limit is left closed."""
    monkeypatch.setattr(members, "MAX_MEMBER_BYTES", 1_000_000)
    document = parsed(zipped({"bomb.txt": b"0" * 5_000_000, "fine.txt": b"x"}), "x.zip")
    assert [each.name for each in document.attachments] == ["fine.txt"]
    assert len(document.gaps) == 1


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\files\\policy.pdf", "policy.pdf"),
        ("a\x00b\r\n\u202e.pdf", "a b .pdf"),
        ("...", "attachment"),
        ("", "attachment"),
        ("x" * 300 + ".pdf", "x" * 115 + "….pdf"),
    ],
)
def test_a_name_inside_is_only_a_name(given: str, expected: str) -> None:
    """Folders, control characters and endless names do not leave a container."""
    assert clean_name(given) == expected
