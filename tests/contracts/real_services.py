"""The accounts at the real services, when there are any.

They are named by variables of their own: a key that is there for the application must not be spent
by its tests.
"""

from __future__ import annotations

import os
from typing import NamedTuple

import pytest

ADDRESSES = {
    "OPENAI": "https://api.openai.com/v1",
    "LLAMA_CLOUD": "https://api.cloud.llamaindex.ai",
}
BOTH = ["mock", pytest.param("real", marks=pytest.mark.real_services)]
"""The two sides of a test."""


class Account(NamedTuple):
    """Where a service is, and our key there."""

    base_url: str
    api_key: str


def account(service: str) -> Account:
    """The account at `OPENAI` or `LLAMA_CLOUD`; without a key the test is skipped."""
    name = f"NAVIGATOR_TEST_{service}_API_KEY"
    key = os.environ.get(name)
    if not key:
        pytest.skip(f"{name} is not set")
    address = os.environ.get(f"NAVIGATOR_TEST_{service}_BASE_URL", ADDRESSES[service])
    return Account(address, key)
