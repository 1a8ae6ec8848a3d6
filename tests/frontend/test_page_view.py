"""A page beside what was read of it, in a real browser: what a person sees, and where."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr
from reportlab.lib.pagesizes import letter
from reportlab.pdfgen.canvas import Canvas
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from pipeline.documents import ParsedPage
from pipeline.layout import Box, RegionKind, Table
from pipeline.notes import Note, NoteKind
from pipeline.settings import Settings
from tests.app.api.calling import accepted, text
from tests.app.api.paging import describe, region_of, stored_document
from tests.app.api.serving import RunningApi, serving
from tests.app.api.tab import Page, browser, page
from tests.pipeline.parsing.drawn_files import RED

__all__ = ["browser", "page"]

TOPICS = ("dental", "hospital", "travel")
HOSTILE = "<img src=x onerror=alert(1)>"
# Where each paragraph stands, in points from the upper left corner; the second has a red ground.
BOXES = tuple(Box(72, top, 540, top + 84) for top in (100, 300, 500))


def sentence(topic: str, number: int) -> str:
    """One line of a paragraph."""
    return f"The {topic} benefit number {number} pays for {topic} care after waiting {number} days."


@pytest.fixture(scope="module")
def api(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApi]:
    """An API whose chunks are small, so that a page has several."""
    settings = Settings(
        home=tmp_path_factory.mktemp("home"), database_url=SecretStr(module_database_url),
        requests_per_minute=0, uploads_per_minute=0, chunk_tokens=110, chunk_overlap_tokens=0,
    )  # fmt: skip
    with serving(settings) as running:
        yield running


def booklet() -> bytes:
    """Three pages: of the second it is known where everything stands."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=letter)
    canvas.drawString(72, 700, "A booklet about benefits, first page, with some words on it.")
    canvas.showPage()
    for topic, box in zip(TOPICS, BOXES, strict=True):
        if topic == "hospital":
            canvas.setFillColorRGB(*(value / 255 for value in RED))
            canvas.rect(box.left, 792 - box.bottom, 468, 84, stroke=0, fill=1)
        canvas.setFillColorRGB(*(1, 1, 1) if topic == "hospital" else (0, 0, 0))
        for line in range(6):
            canvas.drawString(74, 792 - box.top - 12 - 13 * line, sentence(topic, line))
    canvas.showPage()
    canvas.drawString(72, 700, "The last page of the booklet has a few words as well.")
    canvas.showPage()
    canvas.save()
    return out.getvalue()


@pytest.fixture(scope="module", autouse=True)
def job(api: RunningApi) -> dict[str, Any]:
    """Anna's published booklet, and a text without pages."""
    with api.client("anna") as anna:
        made = accepted(anna, booklet(), name=f"{HOSTILE}.pdf", source="booklet")
        note = accepted(anna, text("zebra"), name="zebra.md", source="zebra")
    api.work_off(made["id"], note["id"])
    stored = stored_document(api, made["id"])
    notes = (
        Note(NoteKind.REPAIRED, "The end of the file was missing."),
        Note(NoteKind.PICTURE_NOT_READ, "A picture on this page was not read.", (2,)),
    )
    described = {2: with_regions(stored.pages[1]), 3: with_table(stored.pages[2])}
    describe(api, made["id"], described, notes)
    return made


def with_regions(page: ParsedPage) -> ParsedPage:
    """The second page with what is known of where its paragraphs stand."""
    regions = tuple(
        region_of(page, page.text[page.text.index(sentence(topic, 0)) :][: span(page, topic)],
                  box, RegionKind.PARAGRAPH)
        for topic, box in zip(TOPICS, BOXES, strict=True)
    )  # fmt: skip
    return replace(page, size=(612.0, 792.0), regions=regions, tables=(), furniture=())


def with_table(page: ParsedPage) -> ParsedPage:
    """The last page with a table at its end that no chunk holds."""
    lines = ["|  |  |  |", "| --- | --- | --- |", f"| Visit | $20<br>a day | {HOSTILE} |",
             "| Scan | $250 | 40% |"]  # fmt: skip
    whole = page.text + "\n\n" + "\n".join(lines)
    table = Table(
        len(page.text) + 2, len(whole),
        ("Service", "What you pay / In network", "What you pay / Elsewhere"),
        (("Visit", "$20<br>a day", HOSTILE), ("Scan", "$250", "40%")),
        "Your costs",
    )  # fmt: skip
    return replace(page, text=whole, tables=(table,), furniture=("Booklet 2026",))


def span(page: ParsedPage, topic: str) -> int:
    """How long a paragraph is in the text."""
    start = page.text.index(sentence(topic, 0))
    return page.text.index(sentence(topic, 5)) + len(sentence(topic, 5)) - start


def opened(page: Page, job: dict[str, Any], number: int, more: str = "") -> None:
    """Sign in and follow a link to a page, until its picture is there."""
    page.open("anna")
    page.until(lambda: page.browser.find_elements(By.CSS_SELECTOR, "#recent button"))
    go = f"location.hash = 'page={job['document_id']}/{number}{more}'"
    page.browser.execute_script(go)
    page.until(lambda: has_picture(page))


def has_picture(page: Page) -> bool:
    """Whether a picture is to be seen, as pixels."""
    return bool(
        page.browser.execute_script(
            "const i = document.querySelector('#page-sheet img');"
            "return i && i.naturalWidth > 0 && i.checkVisibility() && i.clientWidth > 100"
        )
    )


def red_part(page: Page) -> list[float]:
    """Where the red ground is seen in the window: left, top, right, bottom."""
    found: list[float] = page.browser.execute_script(
        """
        const image = document.querySelector('#page-sheet img');
        const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
        const pen = canvas.getContext('2d');
        pen.drawImage(image, 0, 0);
        const {data} = pen.getImageData(0, 0, canvas.width, canvas.height);
        let [left, top, right, bottom] = [1e9, 1e9, -1, -1];
        for (let y = 0; y < canvas.height; y++) for (let x = 0; x < canvas.width; x++) {
          const at = 4 * (y * canvas.width + x);
          if (data[at] > 160 && data[at + 1] < 60 && data[at + 2] < 60) {
            left = Math.min(left, x); right = Math.max(right, x + 1);
            top = Math.min(top, y); bottom = Math.max(bottom, y + 1);
          }
        }
        const place = image.getBoundingClientRect();
        const across = place.width / canvas.width, down = place.height / canvas.height;
        return [place.left + left * across, place.top + top * down,
                place.left + right * across, place.top + bottom * down];
        """
    )
    return found


def drawn_box(page: Page, selector: str) -> list[float]:
    """Where a chunk's box is seen in the window."""
    found: list[float] = page.browser.execute_script(
        "const b = document.querySelector(arguments[0]).getBoundingClientRect();"
        "return [b.left, b.top, b.right, b.bottom]",
        selector,
    )
    return found


def chunk_of(page: Page, words: str) -> str:
    """The chunk in which words stand, as the right side shows them."""
    for piece in page.browser.find_elements(By.CSS_SELECTOR, "#page-text .piece"):
        if words in piece.text:
            return str(piece.get_attribute("data-chunks")).split()[-1]
    raise AssertionError(page.text("#page-text"))


def test_a_search_answer_leads_to_its_place(page: Page) -> None:
    """The link opens the page; what was found is marked in the text and over it on the picture."""
    page.open("anna", view="search")
    page.browser.find_element(By.ID, "question").send_keys("hospital benefit number 3 waiting\n")
    page.until(lambda: "Page 2" in page.text("#found"))
    link = page.browser.find_element(By.CSS_SELECTOR, "#found li a")
    assert link.text == "Page 2"
    link.click()
    page.until(lambda: has_picture(page))
    assert sentence("hospital", 3) in page.text("#page-text")
    hits = page.browser.find_elements(By.CSS_SELECTOR, "#page-text .piece.hit")
    assert sentence("hospital", 3) in " ".join(each.text for each in hits)
    assert "(found)" in page.text("#page-text button.hit")
    for found, expected in zip(drawn_box(page, "#page-sheet .hit rect"), red_part(page),
                               strict=True):  # fmt: skip
        assert abs(found - expected) < 4
    assert page.browser.get_log("browser") == []
    assert {
        each for each in page.requested() if not each.startswith((page.api.url, "blob:", "data:"))
    } <= {"about:blank"}


def test_the_address_outlives_a_reload_and_going_back(page: Page, job: dict[str, Any]) -> None:
    """A reload shows the same page; back shows the one before; closing leaves nothing behind."""
    opened(page, job, 2)
    page.browser.refresh()
    page.until(lambda: has_picture(page))
    assert sentence("dental", 0) in page.text("#page-text")
    page.click("#page-after")
    page.until(lambda: "The last page" in page.text("#page-text"))
    page.browser.back()
    page.until(lambda: sentence("dental", 0) in page.text("#page-text"))
    page.browser.find_element(By.ID, "page").send_keys(Keys.ESCAPE)
    page.until(lambda: not page.browser.find_element(By.ID, "page").is_displayed())
    assert "#" not in page.browser.current_url
    assert page.browser.find_element(By.ID, "page-text").get_property("textContent") == ""
    page.browser.refresh()
    page.until(lambda: "booklet" in page.browser.page_source or page.text("#recent"))
    assert not page.browser.find_element(By.ID, "page").is_displayed()


def test_a_link_with_a_token_leads_there_too(page: Page, job: dict[str, Any]) -> None:
    """Signing in by a link keeps the page that it names, and drops the token."""
    page.open("anna")
    page.until(lambda: page.text("#recent"))
    token = page.browser.execute_script("return sessionStorage.getItem('navigator.token')")
    page.browser.get("about:blank")
    page.browser.get(f"{page.api.url}/#token={token}&page={job['document_id']}/3")
    page.until(lambda: "The last page" in page.text("#page-text"))
    assert "token" not in page.browser.current_url


def test_pages_are_turned_by_hand(page: Page, job: dict[str, Any]) -> None:
    """By buttons, arrow keys and number, from the first to the last and no further."""
    opened(page, job, 1)
    assert "A booklet about benefits" in page.text("#page-text")
    assert "of 3" in page.text(".page-bar")
    before = page.browser.find_element(By.ID, "page-before")
    assert not before.is_enabled()
    page.browser.find_element(By.ID, "page-text").send_keys(Keys.ARROW_RIGHT)
    page.until(lambda: sentence("dental", 0) in page.text("#page-text"))
    page.browser.find_element(By.ID, "page-text").send_keys(Keys.ARROW_LEFT)
    page.until(lambda: "A booklet" in page.text("#page-text"))
    number = page.browser.find_element(By.ID, "page-number")
    number.clear()
    number.send_keys("3\n")
    page.until(lambda: "The last page" in page.text("#page-text"))
    assert not page.browser.find_element(By.ID, "page-after").is_enabled()
    page.until(lambda: has_picture(page))


def test_one_side_marks_the_other(page: Page, job: dict[str, Any]) -> None:
    """A chunk that has the focus or the mouse on one side is marked on both."""
    opened(page, job, 2)
    chunk = chunk_of(page, sentence("hospital", 1))
    focus = "document.querySelector(arguments[0]).focus()"
    marked = f"#page-sheet [data-chunks='{chunk}'].on"
    page.browser.execute_script(focus, f"#page-text button[data-chunks='{chunk}']")
    assert page.browser.find_elements(By.CSS_SELECTOR, marked)
    assert len(page.browser.find_elements(By.CSS_SELECTOR, "#page-sheet .on")) == 1
    page.browser.execute_script(focus, "#page-close")
    assert not page.browser.find_elements(By.CSS_SELECTOR, ".on")
    page.browser.execute_script(focus, f"#page-sheet [data-chunks='{chunk}']")
    words = [e.text for e in page.browser.find_elements(By.CSS_SELECTOR, "#page-text .piece.on")]
    assert sentence("hospital", 1) in " ".join(words)
    other = chunk_of(page, sentence("travel", 1))
    hover = (
        "document.querySelector(arguments[0]).dispatchEvent(new MouseEvent('mouseover',"
        "{bubbles: true}))"
    )
    page.browser.execute_script(hover, f"#page-sheet [data-chunks='{other}'] rect")
    words = [e.text for e in page.browser.find_elements(By.CSS_SELECTOR, "#page-text .piece.on")]
    assert sentence("travel", 1) in " ".join(words)
    assert sentence("hospital", 1) not in " ".join(words)


def test_tab_reaches_every_chunk(page: Page, job: dict[str, Any]) -> None:
    """Nobody needs a mouse: the keyboard goes through the bar, the picture and the text."""
    opened(page, job, 2)
    reached = set()
    for _ in range(40):
        page.browser.switch_to.active_element.send_keys(Keys.TAB)
        reached.add(
            page.browser.execute_script(
                "const a = document.activeElement;"
                "return a.closest('#page') ? (a.closest('#page-sheet, #page-text')?.id ?? '') + ' '"
                " + (a.dataset.chunks ?? a.id) : 'outside'"
            )
        )
    chunks = {each.partition(" ")[2] for each in reached if each.startswith("page-text ")} - {
        "page-text"
    }
    boxed = {each.partition(" ")[2] for each in reached if each.startswith("page-sheet ")}
    assert chunk_of(page, sentence("travel", 1)) in chunks & boxed
    assert {" page-after", " page-close"} <= reached


def test_notes_stand_on_top_gaps_first(page: Page, job: dict[str, Any]) -> None:
    """What was not read is said in words, before what is only a remark."""
    opened(page, job, 2)
    lines = page.text("#page-notes").splitlines()
    assert lines == [
        "Not read: A picture on this page was not read.",
        "Note: The end of the file was missing.",
    ]
    place = page.browser.find_element(By.CSS_SELECTOR, "#page-notes li.gap").rect
    assert place["y"] < page.browser.find_element(By.ID, "page-body").rect["y"]
    page.click("#page-after")
    page.until(lambda: "The last page" in page.text("#page-text"))
    assert page.text("#page-notes") == "Note: The end of the file was missing."


def test_tables_are_tables(page: Page, job: dict[str, Any]) -> None:
    """Rows and cells, a header of two levels, no Markdown; what is in a cell is text."""
    opened(page, job, 3)
    table = page.browser.find_element(By.CSS_SELECTOR, "#page-text table")
    heads = [each.text for each in table.find_elements(By.CSS_SELECTOR, "thead tr th")]
    assert heads == ["Service", "What you pay", "In network", "Elsewhere"]
    merged = table.find_element(By.CSS_SELECTOR, "th[colspan='2']")
    under = table.find_elements(By.CSS_SELECTOR, "thead tr:last-child th")
    assert merged.rect["width"] == pytest.approx(sum(e.rect["width"] for e in under), abs=2)
    cells = [
        [cell.text for cell in row.find_elements(By.TAG_NAME, "td")]
        for row in table.find_elements(By.CSS_SELECTOR, "tbody tr")
    ]
    assert cells == [["Visit", "$20\na day", HOSTILE], ["Scan", "$250", "40%"]]
    assert table.find_element(By.TAG_NAME, "caption").text == "Your costs"
    shown = page.text("#page-text")
    assert "|" not in shown
    assert "Booklet 2026" in shown
    assert len(page.browser.find_elements(By.TAG_NAME, "img")) == 1
    assert HOSTILE in page.text("#page-title")
    assert page.browser.get_log("browser") == []


@pytest.mark.parametrize("width", [390, 700, 1200])
def test_it_fits_every_window(page: Page, job: dict[str, Any], width: int) -> None:
    """Nothing is cut off at the side; narrow windows show the text below the picture."""
    page.resize(width)
    opened(page, job, 2)
    inner, dialog, scrolls = page.browser.execute_script(
        "const d = document.getElementById('page');"
        "return [innerWidth, d.getBoundingClientRect().right, d.scrollWidth - d.clientWidth]"
    )
    assert dialog <= inner
    assert scrolls <= 0
    sheet = page.browser.find_element(By.ID, "page-sheet").rect
    words = page.browser.find_element(By.ID, "page-text").rect
    if width < 860:
        assert words["y"] >= sheet["y"] + sheet["height"]
    else:
        assert words["x"] >= sheet["x"] + sheet["width"]
    for found, expected in zip(drawn_box(page, f"#page-sheet [data-chunks='{chunk_of(page, sentence('hospital', 2))}'] rect"), red_part(page), strict=True):  # noqa: E501 # fmt: skip
        assert abs(found - expected) < 4


def test_larger_is_larger_and_boxes_stay_in_place(page: Page, job: dict[str, Any]) -> None:
    """The picture grows inside its own part, and what is marked grows with it."""
    opened(page, job, 2)
    before = page.browser.find_element(By.CSS_SELECTOR, "#page-sheet img").rect["width"]
    page.click("#page-zoom")
    after = page.browser.find_element(By.CSS_SELECTOR, "#page-sheet img").rect["width"]
    assert after > 1.8 * before
    selector = f"#page-sheet [data-chunks='{chunk_of(page, sentence('hospital', 2))}'] rect"
    for found, expected in zip(drawn_box(page, selector), red_part(page), strict=True):
        assert abs(found - expected) < 8


def test_a_text_without_pages_is_shown_alone(page: Page) -> None:
    """There is no picture, and that is said by its absence; the text has the whole width."""
    page.open("anna", view="search")
    page.browser.find_element(By.ID, "question").send_keys("what does zebra cover?\n")
    page.until(lambda: "Show the text" in page.text("#found"))
    page.browser.find_element(By.LINK_TEXT, "Show the text").click()
    page.until(lambda: "covers zebra" in page.text("#page-text"))
    assert page.text("#page-text h3") == "zebra"
    assert not page.browser.find_element(By.ID, "page-sheet").is_displayed()
    assert not page.browser.find_element(By.ID, "page-turn").is_displayed()
    assert page.browser.find_elements(By.CSS_SELECTOR, "#page-text .hit")


def test_the_history_leads_to_the_pages(page: Page, job: dict[str, Any]) -> None:
    """From a document's history a link opens its first page; closing comes back to the history."""
    page.open("anna")
    page.until(lambda: "zebra.md" in page.text("#recent"))
    page.click(f"#recent [data-key='recent-{job['id']}']")
    page.until(lambda: "What happened" in page.text("#story"))
    page.browser.find_element(By.CSS_SELECTOR, "#story a.page-link").click()
    page.until(lambda: "A booklet" in page.text("#page-text"))
    page.click("#page-close")
    page.until(lambda: not page.browser.find_element(By.ID, "page").is_displayed())
    assert page.browser.find_element(By.ID, "story").is_displayed()


def test_what_is_not_there_or_not_theirs_is_said(page: Page, job: dict[str, Any]) -> None:
    """A page behind the last, somebody else's document, and no document: each in one sentence."""
    for user, place, words in (
        ("anna", f"{job['document_id']}/9", "has 3 pages, not a page 9."),
        ("ben", f"{job['document_id']}/2", "There is no such document"),
        ("anna", f"{job['id']}/1", "There is no such document"),
    ):
        page.open(user)
        page.until(lambda: page.text("#recent"))
        page.browser.execute_script(f"location.hash = 'page={place}'")
        page.until_told("#page-notes", words)
        assert "benefit" not in page.text("#page")
        assert not page.browser.find_elements(By.CSS_SELECTOR, "#page-sheet img")
        page.browser.execute_script("document.getElementById('page-close').click()")


def test_an_address_that_is_none_opens_nothing(page: Page) -> None:
    """What is no document and page is passed over: no question is asked of the API."""
    page.open("anna")
    page.until(lambda: page.text("#recent"))
    page.requested()
    for wrong in ("page=x/1", "page=../users/me", "page=", f"page={'0' * 36}/1", "page=%00/%00"):
        page.browser.execute_script(f"location.hash = '{wrong}'")
        assert not page.browser.find_element(By.ID, "page").is_displayed()
    assert not [each for each in page.requested() if "/pages/" in each]


def test_signing_out_takes_the_page_away(page: Page, job: dict[str, Any]) -> None:
    """A refused token closes the page: no word and no picture of it stay, and it can come back."""
    opened(page, job, 2)
    page.browser.execute_script("sessionStorage.setItem('navigator.token', 'x.y.z')")
    page.browser.refresh()
    page.until(lambda: "Paste a token" in page.text())
    assert not page.browser.find_element(By.ID, "page").is_displayed()
    assert sentence("dental", 0) not in page.browser.page_source
    assert not page.browser.find_elements(By.TAG_NAME, "img")
