from __future__ import annotations

import base64

import pytest

from pipeline.documents import ParsedDocument
from pipeline.errors import ParseCode, ParseError
from pipeline.notes import NoteKind
from pipeline.parsing.local import parse_bytes
from pipeline.parsing.media import MediaType
from pipeline.parsing.options import ParseOptions
from tests.growth import assert_linear


def document(markup: str) -> ParsedDocument:
    return parse_bytes(markup.encode(), MediaType.HTML, ParseOptions())


def parse(markup: str) -> str:
    return document(markup).text


def kinds_of(markup: str) -> set[NoteKind]:
    return {note.kind for note in document(markup).notes}


ANSWER = "Braces are covered at 50 percent up to $1,800."
HIDE = "style='display: none'"


@pytest.mark.parametrize(
    "markup",
    [
        f"<button>Are braces covered?</button><div class=panel {HIDE}><p>{ANSWER}</div>",
        f"<button>Are braces covered?</button><div {HIDE}>{ANSWER}</div>",
        f"<h3>Are braces covered?</h3><div {HIDE}>{ANSWER}</div>",
        f"<dt>Are braces covered?</dt><dd hidden>{ANSWER}</dd>",
        f"<a href='#b'>Are braces covered?</a><p>Between.</p><div id=b hidden>{ANSWER}</div>",
        f"<b aria-controls=b>Are braces covered?</b><i>Between.</i><p id=b hidden>{ANSWER}",
        f"<p role=button>Are braces covered?</p><div aria-hidden=true class=answer>{ANSWER}</div>",
        "<style>.panel{color:red;display:none}</style><button class=accordion>Are braces covered?"
        f"</button><div class=panel>{ANSWER}</div>",
        f"<p>Are braces covered?</p><div role=tabpanel hidden>{ANSWER}</div>",
        f"<div class=faq><p>Are braces covered?</p><div><div {HIDE}>{ANSWER}</div></div></div>",
        f"<details><summary>Are braces covered?</summary>{ANSWER}</details>",
        f"<h3><button aria-expanded=false>Are braces covered?</button></h3>"
        f"<div style='max-height:0;overflow:hidden'>{ANSWER}</div>",
    ],
)
def test_collapsed_panels_are_kept_and_told(markup: str) -> None:
    """What a click would open is in the text with its question, and a note says so."""
    text = parse(f"<h1>FAQ</h1>{markup}<p>End.")
    assert text.index("Are braces covered?") < text.index(ANSWER)
    assert kinds_of(markup) == {NoteKind.COLLAPSED_KEPT}


@pytest.mark.parametrize(
    "markup",
    [
        f"<div {HIDE}>Words that nobody sees.</div>",
        "<style>.h, #x { display : none }</style><div class=h>Words that nobody sees.</div>",
        "<style>/* } */ #x{visibility:hidden}</style><div id=x>Words that nobody sees.</div>",
        "<div aria-hidden=true>Words that nobody sees.</div>",
        "<span class=sr-only>Words that nobody sees.</span>",
        "<p style='color:#fff'>Words that nobody sees.</p>",
        "<div style='background:white'><p style='color: #FFFFFF;'>Words nobody sees.</p></div>",
        "<p><font color=white>Words that nobody sees.</font></p>",
        "<p style='font-size:0'>Words that nobody sees.</p>",
        "<p style='position:absolute;left:-9999px'>Words that nobody sees.</p>",
        "<dialog>Words that nobody sees.</dialog>",
        f"<button>Open</button><div class=modal {HIDE}>Words that nobody sees.</div>",
        "<div class='modal fade'><p>Words that nobody sees.</div>",
    ],
)
def test_hidden_text_is_left_out_and_told(markup: str) -> None:
    """What no reader of the page can see is gone, and a note says so without its words."""
    found = document(f"<p>Seen.</p>{markup}<p>Also seen.</p>")
    assert "nobody" not in found.text
    assert "Seen." in found.text
    assert "Also seen." in found.text
    (note,) = found.notes
    assert note.kind is NoteKind.HIDDEN_LEFT_OUT
    assert "nobody" not in note.message


@pytest.mark.parametrize(
    "markup",
    [
        "<div style='background:#036'><p style='color:#fff'>Readable words.</p></div>",
        "<table bgcolor=navy><tr><td><font color=white>Readable words.</font></table>",
        "<style>.bar{background:navy}</style><p class=bar style='color:white'>Readable words.</p>",
        "<link rel=stylesheet href=x.css><p style='color:white'>Readable words.</p>",
        "<style>@media print{.s{display:none}}</style><p class=s>Readable words.</p>",
        "<style>@media print{p{color:red}.s{display:none}}</style><p class=s>Readable words.</p>",
        "<style>.no-js .s{display:none}</style><p class=s>Readable words.</p>",
        "<p style='opacity:0.9;font-size:0.8em'>Readable words.</p>",
        "<details open><summary>x</summary>Readable words.</details>",
        "<article><header>Readable words.</header></article>",
        "<header><h1>Readable words.</h1></header>",
        "<div class=cookie-policy><h1>Readable words.</h1></div>",
    ],
)
def test_what_is_seen_is_kept(markup: str) -> None:
    """Text that only looks like hidden or like furniture is kept without a note."""
    found = document(f"<p>Before.</p>{markup}")
    assert "Readable words." in found.text
    assert found.notes == ()


@pytest.mark.parametrize(
    "markup",
    [
        "<header><a href=/>BRAND Home</a> <a>Login</a></header>",
        "<nav>BRAND menu</nav>",
        "<footer>BRAND imprint</footer>",
        "<div role=banner>BRAND</div>",
        "<div class=cookie-banner>We use cookies on BRAND. <button>Accept all</button></div>",
        "<ul class='nav navbar-nav'><li><a>BRAND plans</a><li><a>Claims</a></ul>",
        "<ol class=breadcrumb><li><a>BRAND</a></ol>",
        "<form role=search>BRAND <input></form>",
        f"<nav><ul {HIDE}><li>BRAND</ul></nav>",
    ],
)
def test_furniture_of_the_site_is_left_out(markup: str) -> None:
    """Menus, banners, the site's header and footer are no part of the document; that is told."""
    found = document(f"{markup}<main><h1>Dental</h1><p>Crowns wait.</p></main>")
    assert found.text == "# Dental\n\nCrowns wait."
    assert [note.kind for note in found.notes] == [NoteKind.REPEATED_LEFT_OUT]


def test_a_footer_with_something_to_say_is_kept() -> None:
    """Legal words in a footer are part of the document."""
    words = "Underwritten by Example Mutual, which is not a bank. " * 8
    assert words.strip() in parse(f"<p>x</p><footer><p>{words}</footer>")


def test_buttons_that_do_something_are_left_out() -> None:
    """Labels of buttons that send or open a menu are no text."""
    text = parse(
        "<p>Enter: <button>Send</button> <button aria-expanded=0 aria-haspopup=menu>More</button>"
        "<input type=submit value=Go> now</p>"
    )
    assert text == "Enter: now"


def test_values_of_form_fields_are_text() -> None:
    """Written texts, chosen options and ticks stand where the reader sees them."""
    text = parse(
        "<p><label>Policy <input value='HO-7781'></label> <label>State <select><option>Ohio"
        "<option selected>Nebraska</select></label> <textarea>Water damage</textarea></p>"
        "<p><input type=checkbox checked id=a><label for=a>Flood</label> "
        "<input type=checkbox> Hail <input type=radio checked>Yes <input type=radio>No</p>"
        "<p>Plan <select><option value=''>Choose one<option>Gold</select>"
        "<select multiple><option selected>A<option>B<option selected>C</select></p>"
    )
    assert text == (
        "Policy HO-7781 State Nebraska Water damage\n\n"
        "[x] Flood [ ] Hail [x] Yes [ ] No\n\nPlan A, C"
    )


@pytest.mark.parametrize("kind", ["password", "hidden", "PASSWORD"])
def test_secrets_are_never_kept(kind: str) -> None:
    """What a page keeps in a password field or a hidden one is not in the text."""
    assert "s3cret" not in parse(f"<p>x <input type={kind} value=s3cret> y</p>")


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("limit is $500<sup>2</sup> per day", "limit is $500 [2] per day"),
        ("limit is $500<sup><a href=#n>2</a></sup>, or", "limit is $500 [2], or"),
        ("$1,500<span style='vertical-align: super'>3</span>", "$1,500 [3]"),
        ("$250¹ and 80%² of 12 m²", "$250 [1] and 80% [2] of 12 m²"),
        ("10<sup>3</sup> of 1200 m<sup>2</sup>", "10^3 of 1200 m^2"),
        ("the 1<sup>st</sup> of May", "the 1st of May"),
        ("<sup>2</sup>Non-smokers only.", "[2] Non-smokers only."),
        ("H<sub>2</sub>O and q<sub>x+1</sub>", "H2O and q_(x+1)"),
        ("<sup>1</sup>/<sub>2</sub> or 1<sup>1</sup>⁄<sub>2</sub>", "1/2 or 1 1⁄2"),
        ("$15<sup>00</sup>", "$15.00"),
        ("word<sup> see note</sup> next", "word see note next"),
    ],
)
def test_raised_and_lowered_characters(markup: str, expected: str) -> None:
    """Footnote marks are apart from amounts; powers, fractions and formulas are told."""
    assert parse(f"<p>{markup}</p>") == expected


def test_formulas_are_text() -> None:
    """MathML is written on the line, once."""
    text = parse(
        "<p>Pays <math><mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mn>12</mn></mfrac>"
        "<msup><mi>x</mi><mn>2</mn></msup><msqrt><mi>y</mi></msqrt>"
        "<annotation encoding=TeX>TEX</annotation></math> now</p>"
    )
    assert text == "Pays (a+b)/12x^2√(y) now"


def test_definitions_stay_with_their_terms() -> None:
    """A term and what it means are one line."""
    text = parse(
        "<dl><div><dt>Copay</dt><dd>A fixed amount.</dd></div><dt>OOP</dt><dt>Out of pocket</dt>"
        "<dd><p>What you pay.</p><ul><li>each year</ul></dl>"
    )
    assert text == ("Copay: A fixed amount.\n\nOOP / Out of pocket: What you pay.\n\n- each year")


def test_lists_are_nested_and_numbered() -> None:
    """Numbers begin and run as the page shows them; inner lists are indented."""
    text = parse(
        "<ol start=3><li>Call<ul><li>day<li>night</ul><li value=7><p>Wait</p><p>long</p></ol>"
        "<ol type=a><li>first<li>second</ol>"
    )
    assert text == "3. Call\n   - day\n   - night\n7. Wait\n  long\na. first\nb. second"


def test_elements_that_are_never_closed_keep_their_text() -> None:
    """Text below a thousand open elements is read as plain text."""
    text = parse("<p>Before <font>" + "x <font>" * 1000 + "Deductible <b>$500</b>")
    assert text.startswith("Before x x")
    assert text.endswith("Deductible $500")


def test_xhtml_is_a_page() -> None:
    """A page that begins as XML is read as a page, without a warning."""
    text = parse(
        '<?xml version="1.0" encoding="UTF-8"?><html xmlns="http://www.w3.org/1999/xhtml"><body>'
        "<p>Policy<br/>HO-1</p></body></html>"
    )
    assert text == "Policy\nHO-1"
    assert parse("https://example.org/policy") == "https://example.org/policy"


def test_code_and_breaks() -> None:
    """Preformatted text keeps its lines, a line break is one."""
    assert parse("<p>a<br>b</p><pre>x  1\ny<br><b>z</b>  2</pre>") == (
        "a\nb\n\n```\nx  1\ny\nz  2\n```"
    )


def test_abbreviations_are_explained_once() -> None:
    """What an abbreviation stands for follows it where it is first used."""
    text = parse(
        "<p><abbr title='Out of pocket'>OOP</abbr> and <abbr title='Out of pocket'>OOP</abbr>"
    )
    assert text == "OOP (Out of pocket) and OOP"


def test_embedded_documents_are_gaps() -> None:
    """A PDF shown within the page, or a page within it, was not read, and that is told."""
    for markup in (
        "<iframe src='/policy.pdf?x=1'></iframe>",
        "<object type='application/pdf' data=x></object>",
        "<embed src=rates.xlsx>",
        "<iframe srcdoc='<p>Three more words</p>'></iframe>",
    ):
        (note,) = document(f"<p>x</p>{markup}").notes
        assert (note.kind, note.is_gap) == (NoteKind.PART_NOT_READ, True)
    assert document("<p>x</p><iframe src='https://ads.example/x'></iframe>").notes == ()


def test_pictures_in_the_page() -> None:
    """A large picture in the page's own source is a gap unless it is described."""
    source = "data:image/png;base64," + base64.b64encode(b"\x00" * 12_000).decode()
    assert kinds_of(f"<p>x</p><img src='{source}'>") == {NoteKind.PICTURE_NOT_READ}
    assert kinds_of(f"<p>x</p><img src='{source}' alt='Network map'>") == set()
    assert kinds_of(f"<p>x</p><img src='{source[:2000]}'>") == set()


def test_words_of_drawings_are_kept() -> None:
    """Text in an inline drawing is seen, so it is read."""
    assert "Deductible $500" in parse("<svg><text>Deductible $500</text><path d='M0'/></svg>")


def test_facts_of_a_page() -> None:
    """Title, author and dates that a page names go with the document."""
    found = document(
        "<title>Dental | Example</title><meta name=author content='A. Author'>"
        "<meta property='article:published_time' content=2026-01-05><meta name=viewport content=x>"
    )
    assert found.facts == {
        "title": "Dental | Example",
        "author": "A. Author",
        "created": "2026-01-05",
    }


@pytest.mark.parametrize(
    "unit",
    [
        "<div hidden>a b c</div>", "<button>x</button>", "<sup>1</sup>", "<td>", "<tr>",
        "<dl><dt>x",
        "<ul><li>x", "<header>x", "<style>.a{</style>", "<p style='color:white'>x", "<b>x</b> ",
        "<table><tr><td>", "<span class=panel hidden>x y z", "²", "<br>",
    ],
)  # fmt: skip
def test_hostile_pages_are_read_in_time(unit: str) -> None:
    """Thousands of any element end in text or a reason, in time that grows with their number."""

    def read(size: int) -> None:
        try:
            parse("x" + unit * (size // len(unit)))
        except ParseError as error:
            assert error.parse_code is not ParseCode.CRASHED

    assert_linear(read, 6_000)
