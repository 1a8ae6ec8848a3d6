from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.local import parse_bytes
from pipeline.parsing.media import MediaType
from pipeline.parsing.options import ParseOptions
from pipeline.parsing.texts.plain import decode

GERMAN = "Die Prämie für Ärzte beträgt 500 € jährlich – “Selbstbehalt” inbegriffen."


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"],
)
def test_encodings_are_recognized(encoding: str) -> None:
    """A text reads the same in every common encoding, with a byte order mark or without."""
    assert decode(GERMAN.encode(encoding)) == GERMAN


def test_other_scripts_are_recognized() -> None:
    """Legacy Cyrillic is told from legacy Western text."""
    text = "Договор страхования действует один год со дня подписания. " * 3
    assert decode(text.encode("cp1251")) == text


def test_one_stray_byte_does_not_garble_utf8() -> None:
    """A UTF-8 text with a damaged byte stays UTF-8; the byte is replaced and counted."""
    content = GERMAN.encode() * 3 + b"\xff" + GERMAN.encode()
    document = parse_bytes(content, MediaType.TEXT, ParseOptions())
    assert document.text == GERMAN * 3 + "\ufffd" + GERMAN
    assert document.replaced == 1


def test_nuls_and_lone_surrogates_are_replaced_and_counted() -> None:
    """What Postgres cannot store is replaced by U+FFFD, and said."""
    content = "a\x00b – c\ud800d – e".encode("utf-8", "surrogatepass")
    document = parse_bytes(content, MediaType.MARKDOWN, ParseOptions())
    assert document.text == "a\ufffdb – c\ufffdd – e"
    assert document.replaced == 2


def test_binary_data_is_no_text() -> None:
    """A binary file under a text's name is refused, not turned into noise."""
    with pytest.raises(ParseError) as caught:
        decode(bytes(range(256)) * 10)
    assert caught.value.parse_code is ParseCode.UNSUPPORTED_TYPE


def test_markdown_stays_as_it_is() -> None:
    """Markdown is one page without a page number, unchanged but for its line ends."""
    source = "# Policy\r\n\r\n| a | b |\r\n|---|---|\r\n| 1 | 2 |\r\n"
    document = parse_bytes(source.encode(), MediaType.MARKDOWN, ParseOptions())
    assert document.text == source.replace("\r\n", "\n")
    assert not document.paged
    assert len(document.pages) == 1
    assert document.parser == "local-2"


@given(st.text())
def test_utf8_reads_back(text: str) -> None:
    """Every text that is not mostly control characters is read back from its UTF-8."""
    content = text.encode("utf-8", "surrogatepass")
    try:
        assert decode(content) in (text, text.removeprefix("\ufeff"))
    except ParseError as error:
        assert error.parse_code is ParseCode.UNSUPPORTED_TYPE


@given(st.binary(min_size=1, max_size=2000))
def test_any_bytes_become_storable_text_or_a_reason(content: bytes) -> None:
    """Whatever the bytes, the text that comes out can be stored."""
    try:
        document = parse_bytes(content, MediaType.TEXT, ParseOptions())
    except ParseError as error:
        assert error.parse_code is ParseCode.UNSUPPORTED_TYPE
    else:
        assert "\x00" not in document.text
        document.text.encode("utf-8")


_SENTENCES = {
    "cs": "Výluky z pojištění: škody způsobené úmyslně, válečnými událostmi a jaderným zářením.",
    "pl": "Wyłączenia obejmują szkody wyrządzone umyślnie oraz działania wojenne.",
    "hu": "A biztosító a kárt a bejelentéstől számított harminc napon belül megtéríti.",
    "ro": "Asigurătorul plăteşte despăgubirea în termen de treizeci de zile de la înştiinţare.",
    "hr": "Isključene su štete prouzročene namjerno te ratna događanja.",
    "tr": "Sigortacı, hasarın bildirilmesinden itibaren otuz gün içinde tazminatı öder.",
    "fr": "La prime est payable d'avance à l'échéance indiquée aux conditions particulières.",
    "de": "Der Versicherer leistet innerhalb von dreißig Tagen nach Eingang der Anzeige fürs Öl.",
    "es": "El asegurador indemnizará el daño en el plazo de treinta días desde su comunicación.",
    "ru": "Страховщик возмещает ущерб в течение тридцати дней с момента уведомления.",
    "el": "Ο ασφαλιστής καταβάλλει την αποζημίωση εντός τριάντα ημερών.",
}
_PAGES = {
    "cs": "cp1250 iso8859_2 cp852 mac_latin2", "pl": "cp1250 iso8859_2 cp852",
    "hu": "cp1250 iso8859_2 cp852", "ro": "cp1250 iso8859_2", "hr": "cp1250 iso8859_2",
    "tr": "cp1254 iso8859_9 cp857", "fr": "cp1252 iso8859_15 mac_roman cp850",
    "de": "cp1252 iso8859_15 mac_roman cp437 cp850", "es": "cp1252 mac_roman cp437 cp850",
    "ru": "cp1251 koi8_r iso8859_5 cp866", "el": "cp1253 iso8859_7",
}  # fmt: skip


@pytest.mark.parametrize("repeated", [1, 20])
@pytest.mark.parametrize(
    ("language", "page"), [(each, page) for each, pages in _PAGES.items() for page in pages.split()]
)
def test_a_sentence_reads_back_from_the_code_page_of_its_language(
    language: str, page: str, repeated: int
) -> None:
    """Windows, ISO, Mac and DOS code pages are told from each other by one sentence."""
    text = " ".join([_SENTENCES[language]] * repeated)
    assert decode(text.encode(page)) == text


@pytest.mark.parametrize(
    "text", ["Die Prämie beträgt 5 €", "“Flood” means water", "“quoted” it’s", "Café"]
)
def test_few_letters_beyond_ascii_are_taken_for_windows_ones(text: str) -> None:
    """Where there is too little to tell, the likeliest encoding is believed."""
    assert decode(text.encode("cp1252")) == text


def test_the_czech_sentence_of_a_policy_is_right() -> None:
    """Windows-1250 is not taken for Windows-1252."""
    text = "Pojistná smlouva: spoluúčast činí pět tisíc korun."
    document = parse_bytes(text.encode("cp1250"), MediaType.TEXT, ParseOptions())
    assert document.text == text
