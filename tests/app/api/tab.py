"""The dashboard in a tab of a real browser, and what a person does there."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from app.api.authentication import issue_token
from tests.app.api.serving import RunningApi
from tests.chromium import new_tab

WAIT_SECONDS = 60


class Page:
    """The dashboard in a tab."""

    def __init__(self, browser: Chrome, api: RunningApi) -> None:
        self.browser, self.api = browser, api

    def open(self, user: str, *, service: bool = False, hours: float = 1, view: str = "") -> None:
        """Sign in by a link, in a tab where nobody is signed in; `view` with its filters."""
        token = issue_token(self.api.settings, user, service=service, hours=hours)
        self.browser.get(f"{self.api.url}/health/live")
        self.browser.execute_script("sessionStorage.clear()")
        self.browser.get("about:blank")
        self.browser.get(f"{self.api.url}/#token={token}{'&view=' if view else ''}{view}")

    def text(self, place: str = "body") -> str:
        """What can be read in a place."""
        return self.browser.find_element(By.CSS_SELECTOR, place).text

    def until(self, seen: Callable[[], Any]) -> None:
        """Wait until something is seen."""
        drawn_anew = (NoSuchElementException, StaleElementReferenceException)
        waiting = WebDriverWait(self.browser, WAIT_SECONDS, 0.1, drawn_anew)
        waiting.until(lambda _: seen(), self.text())

    def until_told(self, place: str, words: str) -> None:
        """Wait until words can be read in a place."""
        self.until(lambda: words in self.text(place))

    def go(self, view: str) -> None:
        """Follow the navigation to a view."""
        place = f"nav a[data-view={view}]"
        self.until(lambda: self.browser.find_elements(By.CSS_SELECTOR, place))
        self.click(place)

    def click(self, place: str) -> None:
        """Click on it, once it stays where it is: what comes late moves what is below it."""
        found, before = self.browser.find_element(By.CSS_SELECTOR, place), None
        deadline = time.monotonic() + WAIT_SECONDS
        while (now := found.rect) != before and time.monotonic() < deadline:
            before = now
            time.sleep(0.1)
        found.click()

    def resize(self, width: int) -> None:
        """Make the window so wide."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def requested(self) -> set[str]:
        """Every address that was asked for since the logs were read last."""
        messages = (
            json.loads(e["message"])["message"] for e in self.browser.get_log("performance")
        )
        sent = (each for each in messages if each["method"] == "Network.requestWillBeSent")
        return {each["params"]["request"]["url"] for each in sent}


@pytest.fixture
def browser(chromium: Chrome) -> Iterator[Chrome]:
    """The session's browser, in a tab of the test's own."""
    with new_tab(chromium) as chrome:
        yield chrome


@pytest.fixture
def page(browser: Chrome, api: RunningApi) -> Iterator[Page]:
    """A tab, signed out, with the logs of earlier pages dropped."""
    found = Page(browser, api)
    found.resize(1200)
    browser.get(api.url)
    browser.execute_script("sessionStorage.clear()")
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get_log("performance")
    yield found
    browser.get("about:blank")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
