"""A real browser for what a person looks at, started once for all tests of a process."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

FLAGS: tuple[str, ...] = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """The session's browser: starting one takes more than what most tests do with it."""
    with headless(tmp_path_factory.mktemp("profile")) as chrome:
        yield chrome


@contextmanager
def new_tab(chrome: Chrome) -> Iterator[Chrome]:
    """A tab of one's own: nothing of an earlier page is kept, stored or still connected."""
    first = chrome.current_window_handle
    chrome.switch_to.new_window("tab")
    # Else a tab of a browser that has been started with another one may never have the focus.
    chrome.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": True})
    try:
        yield chrome
    finally:
        # A page that is kept for going back holds its connections, of which an address has six.
        for each in set(chrome.window_handles) - {first}:
            chrome.switch_to.window(each)
            chrome.close()
        chrome.switch_to.window(first)
        chrome.execute_cdp_cmd("Network.clearBrowserCookies", {})
        chrome.execute_cdp_cmd("Network.clearBrowserCache", {})
        chrome.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": "*", "storageTypes": "all"})


class Element(WebElement):
    """An element that is looked for again when the page has been drawn anew since it was found.

    A page that asks for its news draws itself at any moment, also between a test's finding a
    button and its click: a person's hand finds the new one where the old one was.
    """

    place: tuple[str, str | None] | None = None

    def _execute(self, command: str, params: dict[str, Any] | None = None) -> Any:
        for _ in range(5):
            try:
                return super()._execute(command, dict(params or {}))  # type: ignore[no-untyped-call]
            except StaleElementReferenceException:
                if self.place is None:
                    raise
                self._id = self.parent.find_element(*self.place).id
        return super()._execute(command, params)  # type: ignore[no-untyped-call]


class Browser(Chrome):
    """Chromium, in whose pages single elements are found again."""

    _web_element_cls = Element

    def find_element(self, by: Any = By.ID, value: str | None = None) -> WebElement:
        """The first element at a place, wherever the page draws it from then on."""
        found = super().find_element(by, value)
        assert isinstance(found, Element)
        found.place = (by, value)
        return found


@contextmanager
def headless(profile: Path) -> Iterator[Chrome]:
    """Headless Chromium with an empty profile, logging console and network."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("chromium and chromedriver are not installed")
    options = ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = Browser(options=options, service=Service(driver))
    # The new-tab page of the browser itself writes to the logs.
    chrome.get("about:blank")
    yield chrome
    chrome.quit()
