"""The browser in which reports are looked at."""

from __future__ import annotations

import pytest
from selenium.webdriver import Chrome


@pytest.fixture(scope="session")
def browser(chromium: Chrome) -> Chrome:
    """One tab for all tests that only read pages."""
    return chromium
