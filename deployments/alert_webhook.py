"""Saves the webhook by which Prefect's automations raise alerts in our API."""

from __future__ import annotations

import hashlib
import hmac

from deployments.prefect_api import PrefectApi, path_of

BLOCK = "navigator-alerts"
HEADER = "X-Navigator-Alerts"
PATH = "/api/v1/alerts/raised"


def alerts_key(secret: str) -> str:
    """The webhook's key, which opens nothing else.

    Args:
        secret: that signs the API's URLs or tokens.
    """
    return hmac.digest(secret.encode(), b"alerts of Prefect", hashlib.sha256).hex()


async def save_alert_webhook(api_url: str, secret: str) -> None:
    """Save it on the server that Prefect's client speaks to.

    Args:
        api_url: where the server reaches our API, without a path.
    """
    from prefect.blocks.webhook import Webhook

    headers = {"Content-Type": "application/json", HEADER: alerts_key(secret)}
    block = Webhook.model_validate({"url": f"{api_url.rstrip('/')}{PATH}", "headers": headers})
    await block.asave(BLOCK, overwrite=True)


def alert_webhook(server: PrefectApi) -> str | None:
    """The id of the webhook's block; None where none is saved."""
    found = server.read(path_of("block_types", "slug", "webhook", "block_documents", "name", BLOCK))
    return None if found is None else str(found["id"])
