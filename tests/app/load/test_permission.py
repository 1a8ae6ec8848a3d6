"""A load is put on this machine's API, and buys nothing, unless an operator says otherwise."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from app.load.permission import require_free, require_here, require_no_bill
from pipeline.errors import UsageError
from pipeline.settings import Settings

KEY = SecretStr("sk-test")
HERE = "http://127.0.0.1:8010/v1"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000", "http://localhost:1", "http://[::1]:8000"]
)
def test_this_machine(url: str) -> None:
    """This machine's own addresses need no permission."""
    require_here(url, elsewhere=False)


@pytest.mark.parametrize(
    "url", ["https://navigator.example.com", "http://10.0.0.7:8000", "http://127.0.0.1.example.com"]
)
def test_another_machine(url: str) -> None:
    """Another machine is refused in a sentence that names the option, unless it is given."""
    with pytest.raises(UsageError) as refused:
        require_here(url, elsewhere=False)
    assert "--elsewhere" in refused.value.remedy
    require_here(url, elsewhere=True)


@pytest.mark.parametrize(
    ("settings", "payee"),
    [
        ({"openai_api_key": KEY}, "OpenAI"),
        ({"openai_api_key": KEY, "openai_base_url": "http://localhost.example.com"}, "OpenAI"),
        ({"parser": "llamaparse", "llama_cloud_api_key": KEY}, "LlamaParse"),
        ({"embedder_block": "navigator-embedder/default"}, "saved block"),
    ],
)
def test_who_bills(settings: dict[str, Any], payee: str) -> None:
    """Settings that name a service which bills are refused, unless money may be spent."""
    made = Settings(**settings)
    with pytest.raises(UsageError) as refused:
        require_free(made, spend=False)
    assert payee in refused.value.message
    assert "--spend" in refused.value.remedy
    require_free(made, spend=True)


@pytest.mark.parametrize("settings", [{}, {"openai_api_key": KEY, "openai_base_url": HERE}])
def test_nobody_bills(settings: dict[str, Any]) -> None:
    """Local parts and this machine's mock servers are free."""
    require_free(Settings(**settings), spend=False)


def test_a_bill_stops_the_load() -> None:
    """A first document that was billed, whatever the settings say, is the last one."""
    require_no_bill(0, spend=False)
    require_no_bill(1, spend=True)
    with pytest.raises(UsageError):
        require_no_bill(0.000001, spend=False)
