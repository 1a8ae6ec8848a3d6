"""Opens LlamaParse as the settings choose it: its plug-in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clients.llamaparse.client import LlamaParseClient
from clients.parser import ParserPlugin
from pipeline import webhooks

if TYPE_CHECKING:
    from pipeline.settings import Settings


def open_llamaparse(settings: Settings) -> LlamaParseClient:
    """The client of the account that the settings name; close it afterwards.

    Raises:
        ConfigurationError: the address is wrong.
    """
    assert settings.llama_cloud_api_key is not None, "checked by the settings"
    return LlamaParseClient(
        settings.llama_cloud_api_key,
        base_url=settings.llama_cloud_base_url,
        tier=settings.llama_cloud_tier,
        deadline_seconds=settings.llama_cloud_deadline_seconds,
        webhook=webhook_of(settings),
        result_hosts=settings.result_hosts,
        usd_per_credit=settings.llama_cloud_usd_per_credit,
        requests_per_minute=settings.llama_cloud_requests_per_minute,
    )


def webhook_of(settings: Settings) -> dict[str, Any] | None:
    """What the service is told of webhooks, when there is an address and a secret for them."""
    if settings.public_url is None or settings.llama_cloud_webhook_secret is None:
        return None
    secret = settings.llama_cloud_webhook_secret.get_secret_value()
    return webhooks.configuration(settings.public_url, secret)


PLUGIN = ParserPlugin("LlamaParse, a service that charges by the page", open_llamaparse)
