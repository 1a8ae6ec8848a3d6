"""Decides when the mock servers run, and the environment that makes the system use them."""

from __future__ import annotations

from secrets import token_hex

from pipeline.settings import Settings

MOCK_KEYS = {"LLAMA_CLOUD_API_KEY": "llx-mock", "OPENAI_API_KEY": "sk-mock"}
"""Any key will do; these say what they are."""


def wants_mocks(settings: Settings, asked: bool | None) -> bool:
    """Whether they run: as asked, else when there is no real key that could be used instead."""
    if asked is not None:
        return asked
    return settings.openai_api_key is None and settings.llama_cloud_api_key is None


def mock_environment(mocks_url: str, api_url: str) -> dict[str, str]:
    """Variables with which the system parses and embeds with the mock servers."""
    return {
        **MOCK_KEYS,
        "LLAMA_CLOUD_BASE_URL": mocks_url,
        "OPENAI_BASE_URL": f"{mocks_url}/v1",
        "NAVIGATOR_PARSER": "llamaparse",
        "NAVIGATOR_EMBEDDER": "openai",
        "NAVIGATOR_PUBLIC_URL": api_url,
        "NAVIGATOR_LLAMA_CLOUD_WEBHOOK_SECRET": token_hex(16),
    }
