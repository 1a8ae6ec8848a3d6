"""The dashboard's views in a real browser: their addresses, what each asks, and every word."""

from __future__ import annotations

import re
import time

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from app.terminal.rollouts import WORDS
from pipeline.alerts import Alert, Severity
from pipeline.child_processes import ROOT
from stages.alerts.raising import raise_alert
from tests.app.api.calling import ENCRYPTED, SAMPLES, accepted, text
from tests.app.api.database import lose_original
from tests.app.api.serving import RunningApi
from tests.app.api.tab import Page, browser, page

__all__ = ["browser", "page"]

VIEWS = ("overview", "documents", "search", "quality", "cost", "operations")
# What a program writes where it has a value that is no text.
NO_WORDS = re.compile(r"\[object|\bundefined\b|\bNaN\b|\bnull\b|Invalid Date")
# The panels whose content reaches out of them.
_TOO_WIDE = """
    return [...document.querySelectorAll("section")]
        .filter((each) => each.offsetParent && each.scrollWidth > each.clientWidth + 1)
        .map((each) => each.textContent.slice(0, 40));
"""
FEW = 55
DRIFT = "1 difference of production from what it declares.\n- deployment sweep: schedules"
ALERTS = (("disk-fills", "/data", "The disk of /data is full in 9 days."),
          ("drift-found", "production", DRIFT))  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def corpus(api: RunningApi) -> dict[str, str]:
    """Anna has published, failed and waiting documents; Ben has more than a page of them."""
    with api.client("anna") as anna, api.client("ben") as ben:
        made = [
            accepted(anna, (SAMPLES / name).read_bytes(), name=name, tags=["2026", "home"])
            for name in ("renters-policy.md", "dental-benefit-schedule.html")
        ]
        locked = accepted(anna, ENCRYPTED.read_bytes(), name="locked.pdf")
        lost = accepted(anna, text("lost"), name="Lost claim.md")
        accepted(anna, text("waiting"), name="waits.md")
        for number in range(FEW):
            accepted(ben, f"# {number}\n", name=f"Ben {number:02}.md", source=f"ben/{number}")
    lose_original(api, lost["id"])
    for kind, key, title in ALERTS:
        api.run(raise_alert(api.parts, Alert(kind, key, Severity.WARNING, title)))
    api.work_off(*(each["id"] for each in (*made, locked, lost)))
    return {"locked": locked["id"], "lost": lost["id"], "policy": made[0]["document_id"]}


def asked(page: Page) -> set[str]:
    """What the API was asked since it was looked last, without the address and the query."""
    found = (url.partition("/api/v1")[2] or url for url in page.requested())
    return {each.partition("?")[0] for each in found if each.startswith("/")} - {"/events"}


def names(page: Page) -> list[str]:
    """The documents that are listed."""
    return [e.text for e in page.browser.find_elements(By.CSS_SELECTOR, "#list button.link")]


def settled(page: Page) -> None:
    """Wait until the view has its answers."""
    page.until(lambda: "Reading" not in page.text("#status") and page.text("#status"))


@pytest.mark.parametrize(("user", "service"), [("anna", False), ("operator", True)])
def test_every_word_of_every_view_is_one(page: Page, user: str, service: bool) -> None:
    """All views with data, at three widths: nothing that is no word, nothing cut off."""
    page.open(user, service=service)
    for view in VIEWS:
        page.go(view)
        settled(page)
        assert page.text("#title").lower() == view
        for details in page.browser.find_elements(By.CSS_SELECTOR, "#board details:not([open])"):
            page.browser.execute_script("arguments[0].open = true", details)
        for width in (1200, 800, 390):
            page.resize(width)
            shown = page.text("body")
            assert not NO_WORDS.search(shown), shown
            wide = page.browser.execute_script("return document.documentElement.scrollWidth")
            assert wide <= width, (view, width)
            assert page.browser.execute_script(_TOO_WIDE) == [], (view, width)
        page.resize(1200)
    assert page.browser.get_log("browser") == []


def test_a_view_has_an_address(page: Page, corpus: dict[str, str]) -> None:
    """A copied link, a reload and the back button show the view with its filters, and no token."""
    page.open("anna", view="documents&state=failed&order=name")
    page.until(lambda: names(page) == ["locked.pdf", "Lost claim.md"])
    assert "token" not in page.browser.current_url
    page.browser.refresh()
    page.until(lambda: names(page) == ["locked.pdf", "Lost claim.md"])
    page.go("cost")
    page.until(lambda: "This month" in page.text("#spend"))
    page.browser.back()
    page.until(lambda: names(page) == ["locked.pdf", "Lost claim.md"])
    assert page.browser.title == "Documents · Insurance Navigator"
    page.browser.execute_script(f"location.hash += '&page={corpus['policy']}/1'")
    page.until(lambda: page.text("#page-text"))
    page.browser.find_element(By.ID, "page").send_keys(Keys.ESCAPE)
    page.until(lambda: not page.browser.find_element(By.ID, "page").is_displayed())
    assert page.browser.current_url.endswith("#view=documents&state=failed&order=name")
    seen = "return JSON.stringify([location.href, history.state, document.title])"
    assert "token" not in page.browser.execute_script(seen)


def test_a_view_is_reached_by_the_keyboard(page: Page) -> None:
    """The link that is followed is the current one, and the focus is on the new heading."""
    page.open("anna")
    settled(page)
    link = page.browser.find_element(By.CSS_SELECTOR, "nav a[data-view=quality]")
    link.send_keys(Keys.ENTER)
    page.until(lambda: "Quality" in page.text("#title"))
    current = page.browser.find_elements(By.CSS_SELECTOR, "nav a[aria-current=page]")
    assert [each.text for each in current] == ["Quality"]
    assert page.browser.switch_to.active_element.get_attribute("id") == "title"


def test_only_what_is_seen_is_asked(page: Page) -> None:
    """Each view asks what it shows: a user nothing of an operator's, and the other way round."""
    alike = {"cost": {"/overview"}, "quality": {"/overview", "/review"},
             "documents": {"/documents"}, "overview": {"/overview", "/jobs"}}  # fmt: skip
    # What changes by the minute or the hour was asked when the view was opened.
    operating = {"/overview", "/incidents", "/sources"}
    for user, service, own in (
        ("anna", False, {"search": {"/golden-questions"}, "operations": {"/overview"}}),
        (
            "operator",
            True,
            {
                "search": set(),
                "operations": operating,
                "overview": {"/overview", "/jobs", "/alerts"},
            },
        ),
    ):
        page.open(user, service=service, view="cost")
        page.until(lambda: "This month" in page.text("#spend"))
        for view, expected in {**alike, **own}.items():
            page.go(view)
            settled(page)
            time.sleep(0.8)  # what news of the stream's beginning asked of the view before
            asked(page)
            page.browser.execute_script("dispatchEvent(new Event('visibilitychange'))")
            page.until(lambda: True)
            time.sleep(0.4)
            assert asked(page) == expected, (user, view)


def test_an_incident_is_worked_off(page: Page) -> None:
    """Its course, who looks after it, and its end with a cause that stands in the draft."""
    page.open("operator", service=True, view="operations")
    page.until_told("#incidents", "A disk fills")
    assert "deployment sweep: schedules" in page.text("#releases")
    assert "No release was deployed here" in page.text("#releases")
    found = "//article[contains(., 'A disk fills')]"

    def click(what: str) -> None:
        page.browser.find_element(By.XPATH, f"{found}//{what}").click()

    click("summary[.='Course']")
    page.until_told("#incidents", "warning: The disk of /data is full in 9 days.")
    click("button[@data-look]")
    page.until_told("#incidents", "operator looks after it")
    page.browser.find_element(By.XPATH, f"{found}//input").send_keys("Old exports.\n")
    page.until_told("#incidents", "Ended (1)")
    click("ancestor::details/summary")
    click("summary[.='Draft of the report']")
    page.until_told("#incidents", "operator: Old exports.")
    assert page.browser.get_log("browser") == []


def test_a_release_ends_in_the_words_of_the_command() -> None:
    """The page's table of steps is the command line's."""
    page = (ROOT / "app/api/dashboard/releases.js").read_text("utf-8")
    table = page.partition("const STEPS = {")[2].partition("};")[0]
    assert dict(re.findall(r'(\w+): \["([^"]+)"', table)) == WORDS


def test_documents_are_found_and_paged(page: Page) -> None:
    """By words of the name in any order and case; the next ones by a link that can be copied."""
    page.open("ben", view="documents&order=name")
    page.until(lambda: len(names(page)) == 50)
    assert names(page)[0] == "Ben 00.md"
    page.browser.find_element(By.LINK_TEXT, "Next 50").click()
    page.until(lambda: names(page) == [f"Ben {number}.md" for number in range(50, FEW)])
    page.browser.refresh()
    page.until(lambda: len(names(page)) == FEW - 50)
    page.browser.find_element(By.LINK_TEXT, "First documents").click()
    page.until(lambda: len(names(page)) == 50)
    page.browser.find_element(By.CSS_SELECTOR, "#filter [name=name]").send_keys("07 BEN\n")
    page.until(lambda: names(page) == ["Ben 07.md"])


def test_what_is_chosen_is_worked_off(page: Page, corpus: dict[str, str]) -> None:
    """A retry goes to what it can help, an acknowledgment to what failed; the rest is left."""
    page.open("anna", view="documents")
    page.until(lambda: len(names(page)) == 5)
    page.click("#choose-all")
    assert page.text("#chosen-count") == "5 documents chosen"
    assert page.text("#bulk-acknowledge") == "Acknowledge 2"
    assert page.text("#bulk-retry") == "Retry 1"
    page.click("#bulk-retry")
    page.until_told("#status", "1 document sent back to work")
    page.until(lambda: "failed (parsing)" in page.text("#list"))
    page.until(lambda: page.text("#list").count("failed (parsing)") == 1)
    assert "1 document sent back to work" in page.text("#status")  # news came, and it stands
    page.click("#choose-all")
    page.click("#bulk-acknowledge")
    page.until(lambda: "acknowledged" in page.text("#list"))
    assert not page.browser.find_element(By.ID, "bulk-acknowledge").is_enabled()
    with page.api.client("ben") as ben:
        told = ben.post("/jobs/acknowledge", json={"jobs": [corpus["locked"]]}).json()
        assert told == {"jobs": [], "left": [corpus["locked"]]}
        told = ben.post("/jobs/retry", json={"jobs": [corpus["locked"]]}).json()
        assert told == {"jobs": [], "left": [corpus["locked"]]}
