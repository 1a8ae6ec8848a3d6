"""A link that signs in does not replace a session that is open, unless the person says so."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from app.api.authentication import issue_token
from tests.app.api.calling import accepted, text
from tests.app.api.conftest import api, api_settings
from tests.app.api.serving import RunningApi
from tests.app.api.tab import Page, browser, page

__all__ = ["api", "api_settings", "browser", "page"]

HOSTILE = "<b>anna</b>\u202e"


@pytest.fixture(scope="module", autouse=True)
def corpus(api: RunningApi) -> None:
    """Anna and Mallory have a document each."""
    for user in ("anna", "mallory"):
        with api.client(user) as client:
            accepted(client, text(f"{user}'s own"), name=f"{user}.md")


def token(page: Page, user: str, *, service: bool = False, hours: float = 1) -> str:
    return issue_token(page.api.settings, user, service=service, hours=hours)


def follow(page: Page, given: str, *, anew: bool) -> None:
    """Open a link in the tab: by loading the page anew, or within the page that is open."""
    if anew:
        page.browser.get("about:blank")
    page.browser.get(f"{page.api.url}/#token={given}")


def asked(page: Page) -> str:
    """The question, once it is seen."""
    page.until(lambda: page.browser.find_element(By.ID, "replace").is_displayed())
    return page.text("#replace")


@pytest.mark.parametrize("anew", [True, False], ids=["loaded", "in the page"])
def test_the_question_names_both_and_staying_stays(page: Page, anew: bool) -> None:
    """Whose session is open, whose the link is; the session goes on, also after a reload."""
    page.open("anna")
    page.until(lambda: "anna.md" in page.text("#recent"))
    follow(page, token(page, "mallory", service=True), anew=anew)
    question = asked(page)
    assert "Sign in as somebody else?" in question
    assert "You are signed in as “anna”." in question
    assert "signs this tab in as “mallory” (operator)" in question
    assert page.text("#replace-stay") == "Stay signed in as “anna”"
    assert page.text("#replace-go") == "Sign in as “mallory” (operator)"
    assert "token" not in page.browser.current_url
    assert page.browser.switch_to.active_element.get_attribute("id") == "replace-stay"
    page.click("#replace-stay")
    page.until(lambda: not page.browser.find_element(By.ID, "replace").is_displayed())
    assert page.text("#name") == "anna"
    page.browser.refresh()
    page.until(lambda: "anna.md" in page.text("#recent"))
    assert "mallory" not in page.text()
    assert page.browser.get_log("browser") == []


@pytest.mark.parametrize("anew", [True, False], ids=["loaded", "in the page"])
def test_a_yes_replaces_everything(page: Page, anew: bool) -> None:
    """Nothing of the first session is left on the page."""
    page.open("anna")
    page.until(lambda: "anna.md" in page.text("#recent"))
    follow(page, token(page, "mallory"), anew=anew)
    asked(page)
    page.click("#replace-go")
    page.until(lambda: "mallory.md" in page.text("#recent"))
    assert page.text("#name") == "mallory"
    assert "anna" not in page.text()


def test_escape_and_a_reload_are_a_no(page: Page) -> None:
    """Only the one button signs in."""
    page.open("anna")
    page.until(lambda: "anna.md" in page.text("#recent"))
    follow(page, token(page, "mallory"), anew=False)
    asked(page)
    page.browser.find_element(By.ID, "replace").send_keys(Keys.ESCAPE)
    page.until(lambda: not page.browser.find_element(By.ID, "replace").is_displayed())
    assert page.text("#name") == "anna"
    follow(page, token(page, "mallory"), anew=False)
    asked(page)
    page.browser.refresh()
    page.until(lambda: "anna.md" in page.text("#recent"))
    assert not page.browser.find_element(By.ID, "replace").is_displayed()


def test_without_an_open_session_a_link_signs_in(page: Page) -> None:
    """Signed out, with a session that has lapsed, or with the same token: nothing to ask."""
    page.open("anna", hours=-1)
    page.until(lambda: "token has expired" in page.text("#notice"))
    follow(page, token(page, "mallory"), anew=False)
    page.until(lambda: "mallory.md" in page.text("#recent"))
    own = page.browser.execute_script("return sessionStorage.getItem('navigator.token')")
    follow(page, own, anew=True)
    page.until(lambda: "mallory.md" in page.text("#recent"))
    page.click("#leave")
    follow(page, token(page, "anna"), anew=False)
    page.until(lambda: "anna.md" in page.text("#recent"))
    assert not page.browser.find_element(By.ID, "replace").is_displayed()


def test_a_hostile_name_in_a_link_is_text(page: Page) -> None:
    """A name of tags, of direction marks or without end is shown short, as it is."""
    page.open("anna")
    page.until(lambda: "anna.md" in page.text("#recent"))
    follow(page, token(page, HOSTILE + "a" * 500), anew=False)
    question = asked(page)
    assert "“<b>anna</b>⟨U+202E⟩aaaa" in question
    assert "…”" in question
    assert "a" * 100 not in question
    assert not page.browser.find_elements(By.CSS_SELECTOR, "#replace b")
