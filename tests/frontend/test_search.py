"""The dashboard's search in a real browser: what a person reads, and where its links lead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from pipeline.settings import Settings
from tests.app.api.calling import accepted, text
from tests.app.api.serving import RunningApi, serving
from tests.app.api.tab import Page, browser, page
from tests.booklets import booklet

__all__ = ["browser", "page"]

HOSTILE = "<img src=x onerror=alert(1)>"
CLAUSES = f"""# Boat form

## Vessels

The 😀 platypus exclusion applies to all **vessels** over 26 feet.
It does not apply to dinghies. Platypus marks \\| stay {HOSTILE}.

- rowing boats
- canoes

| Vessel | Platypus limit |
| --- | --- |
| Sail boat | $4,400 |
| Motor \\| jet boat | $1,200 |
"""
# Each section is long enough to be a passage of its own, and the exclusion is not among the best.
CLAUSE_AND_EXCLUSION = (
    "# Travel policy\n\n## Baggage\n\n"
    + "".join(
        f"### Plan {plan}\n\n" + f"We pay for stolen suitcases under plan {plan}. " * 24 + "\n\n"
        for plan in "ABCDE"
    )
    + "### Exclusions\n\n" + "Cash that was left unattended is not covered. " * 24
)  # fmt: skip
# What a program writes where it has a value that is no text.
NO_WORDS = re.compile(r"\[object|\bundefined\b|\bNaN\b|\bnull\b")


@pytest.fixture(scope="module")
def api(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApi]:
    """Anna's passages: one in several forms, one of a PDF with gaps, one in Spanish."""
    settings = Settings(
        home=tmp_path_factory.mktemp("home"), database_url=SecretStr(module_database_url),
        requests_per_minute=0, uploads_per_minute=0,
    )  # fmt: skip
    pdf = booklet(tmp_path_factory.mktemp("files") / "half.pdf", ("platypus one", "", "wombat"))
    with serving(settings) as running:
        with running.client("anna") as anna:
            jobs = [
                accepted(anna, CLAUSES, name=f"form {n}.md", source=f"form{n}", tags="boats")["id"]
                for n in range(8)
            ]
            jobs.append(accepted(anna, pdf.read_bytes(), name="half.pdf", source="half")["id"])
            old = f"# Kite form (Ed. 04/13)\n\n{text('kites')}"
            jobs.append(accepted(anna, old, name="kites.md", source="kites")["id"])
            clause = accepted(anna, CLAUSE_AND_EXCLUSION, name="travel.md", source="travel")
            jobs.append(clause["id"])
            jobs.append(accepted(anna, text("kites and more"), name="today.md", source="t")["id"])
        running.work_off(*jobs)
        yield running


def asked(page: Page, question: str) -> None:
    """Ask, and wait for the answer."""
    box = page.browser.find_element(By.ID, "question")
    box.clear()
    box.send_keys(question + "\n")
    page.until(lambda: "Searching" not in page.text("#found") and page.text("#found"))


def names(page: Page) -> list[str]:
    """The documents that answer; how probably they do stands behind each name."""
    found = page.browser.find_elements(By.CSS_SELECTOR, "#found h3")
    return [each.text.partition(" relevance ")[0].removesuffix(" perhaps,") for each in found]


def limited(page: Page) -> None:
    """Open what a search can be limited to, and wait for the documents."""
    page.click("#limits summary")
    page.until(lambda: page.browser.find_elements(By.CSS_SELECTOR, "#in-documents option"))


def marks(page: Page) -> list[str]:
    """The words that are marked in the first passage."""
    found = page.browser.find_elements(By.CSS_SELECTOR, "#found li:first-child .passage mark")
    return [each.text for each in found]


def test_a_passage_reads_as_it_was_written(page: Page) -> None:
    """Lines, items and rows are read as such, with the question's words marked, and no code."""
    page.open("anna", view="search")
    asked(page, "platypus exclusion for vessels")
    shown = page.text("#found .passage")
    assert shown.startswith("Boat form\nVessels\nThe 😀 platypus exclusion applies to all vessels")
    assert "It does not apply to dinghies." in shown
    assert f"marks | stay {HOSTILE}." in shown
    assert "• rowing boats\n• canoes" in shown
    cells = page.browser.find_elements(By.CSS_SELECTOR, "#found li:first-child td")
    assert [each.text for each in cells[-4:]] == [
        "Sail boat",
        "$4,400",
        "Motor | jet boat",
        "$1,200",
    ]
    assert marks(page)[:4] == ["Vessels", "platypus", "exclusion", "vessels"]
    assert page.browser.get_log("browser") == []


def test_what_must_be_read_with_a_passage_is_behind_a_click(page: Page) -> None:
    """When it is asked for: the rest of the clause, with why it is there and a link to its page."""
    page.open("anna", view="search")
    page.click("#with-context")
    asked(page, "are stolen suitcases paid?")
    told = page.text("#found .companions summary")
    assert told.startswith("Read with it: ")
    assert "exclusion" in told
    page.click("#found .companions summary")
    assert "left unattended" in page.text("#found .companions")
    assert page.browser.find_elements(By.CSS_SELECTOR, "#found .companions li a")


def test_a_mistyped_word_and_what_does_not_fit_are_said(page: Page) -> None:
    """What was looked for in its place, and that the nearest are no more than that."""
    page.open("anna", view="search")
    asked(page, "platypuz kangaroo insurance in Paris")
    assert "No document says “platypuz”: “platypus” was looked for too." in page.text("#found")
    asked(page, "Who wrote the Magic Flute?")
    assert "Nothing in your documents fits." in page.text("#found")
    assert "relevance" not in page.text("#found h3") or "perhaps" in page.text("#found h3")


def test_no_value_is_shown_that_is_no_text(page: Page) -> None:
    """In all that can be read after a search, at three widths, nothing is a program's word."""
    page.open("anna", view="search")
    asked(page, "platypus")
    for width in (1200, 760, 390):
        page.resize(width)
        for details in page.browser.find_elements(By.CSS_SELECTOR, "#board details:not([open])"):
            page.browser.execute_script("arguments[0].open = true", details)
        assert not NO_WORDS.search(page.text("body")), page.text("body")
        wide = page.browser.execute_script("return document.documentElement.scrollWidth")
        assert wide <= width


def test_what_is_in_several_documents_is_shown_once(page: Page) -> None:
    """One passage names the first of its copies, the others open, and each leads to its page."""
    page.open("anna", view="search")
    asked(page, "platypus exclusion for vessels")
    assert sum(name.startswith("form") for name in names(page)) == 1
    assert "The same in 7 other places:" in page.text("#found .copies")
    assert page.text("#found .copies summary") == "2 more"
    page.click("#found .copies summary")
    page.click("#found .copies details li:last-child a")
    page.until(lambda: "platypus exclusion" in page.text("#page-text"))
    assert page.browser.find_elements(By.CSS_SELECTOR, "#page-text .hit")


def test_a_gap_stands_with_its_passage(page: Page) -> None:
    """A page that was not read is said with the passage, and the link names the page."""
    page.open("anna", view="search")
    asked(page, "wombat")
    assert names(page)[0] == "half.pdf"
    assert "not read" in page.text("#found .notes")
    assert page.text("#found li a").startswith("Page")


def test_a_search_is_limited(page: Page) -> None:
    """By document, by tag and by date; an edition's date is the document's."""
    page.open("anna", view="search")
    limited(page)
    offered = Select(page.browser.find_element(By.ID, "in-documents"))
    offered.select_by_visible_text("form 3.md")
    offered.select_by_visible_text("half.pdf")
    asked(page, "platypus")
    assert {"form 3.md", "half.pdf"} == set(names(page))
    offered.deselect_all()
    page.browser.find_element(By.ID, "in-tags").send_keys("boats")
    asked(page, "platypus")
    assert all(name.startswith("form") for name in names(page))
    page.browser.find_element(By.ID, "in-tags").clear()
    page.browser.execute_script("document.getElementById('until').value = '2013-12-31'")
    asked(page, "kites")
    assert names(page) == ["kites.md edition 04/13"]
    page.browser.execute_script("document.getElementById('until').value = ''")
    asked(page, "kites")
    assert len(names(page)) > 1


def test_a_period_without_days_is_said(page: Page) -> None:
    """A period that ends before it begins is refused in words."""
    page.open("anna", view="search")
    page.until(lambda: page.text("#search"))
    page.browser.execute_script(
        "document.getElementById('since').value = '2024-02-01';"
        "document.getElementById('until').value = '2024-01-01'"
    )
    asked(page, "kites")
    assert "The period ends on 2024-01-01, before it begins on 2024-02-01." in page.text("#found")


def test_the_original_is_saved(page: Page, tmp_path: Path) -> None:
    """The button saves the file as it was uploaded; the page stays."""
    page.browser.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    page.open("anna", view="search")
    asked(page, "platypus exclusion for vessels")
    button = page.browser.find_element(By.CSS_SELECTOR, "#found li button")
    button.send_keys(Keys.ENTER)
    page.until(lambda: [each for each in tmp_path.iterdir() if each.suffix == ".md"])
    [saved] = tmp_path.glob("*.md")
    assert saved.read_text() == CLAUSES
    assert "platypus" in page.text("#found")


def test_a_known_relevance_is_shown(page: Page) -> None:
    """Where the answer tells how relevant a passage is, and that nothing fits, both are read."""
    page.open("anna", view="search")
    page.until(lambda: page.text("#search"))
    page.browser.execute_script(
        """
        const asked = window.fetch;
        window.fetch = async (url, request) => {
          const answer = await asked(url, request);
          if (!String(url).includes("/search")) return answer;
          const told = await answer.json();
          told.fits = false;
          for (const each of told.passages) Object.assign(each, {relevance: 0.123, fits: false});
          return new Response(JSON.stringify(told), {status: 200});
        };
        """
    )
    asked(page, "platypus")
    assert "Nothing in your documents fits." in page.text("#found")
    assert "perhaps, relevance 12 %" in page.text("#found h3")


def test_a_golden_question_is_kept_beside_its_passage(page: Page) -> None:
    """The button keeps it, the list shows it with what it expects, and removes it."""
    page.open("anna", view="search")
    page.until(lambda: page.text("#search"))
    assert not page.browser.find_element(By.ID, "s-golden").is_displayed()
    asked(page, "platypus exclusion for vessels")
    page.click("#found li:first-child [data-keep]")
    page.until_told("#found li:first-child", "Kept as a golden question")
    page.until_told("#golden", "platypus exclusion for vessels")
    assert "form" in page.text("#golden tbody td")
    assert "not asked yet" in page.text("#golden")
    page.click("#golden [data-remove]")
    page.until(lambda: not page.browser.find_element(By.ID, "s-golden").is_displayed())
    assert page.browser.get_log("browser") == []
