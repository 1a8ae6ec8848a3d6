"""Saves on Prefect's server the webhook of our alerts, where nobody who deploys has its key.

With compose the container that deploys has neither the API's secret nor its volume. The API has
both, so it saves the webhook itself when it starts, and makes the automations that need it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from app.api.secrets import signing_secret
from app.prefect.access import CLIENT_VARIABLE
from deployments.alert_webhook import alert_webhook, save_alert_webhook
from deployments.automation_changes import put_automations
from deployments.environment_files import own_environment
from deployments.prefect_api import prefect_api
from deployments.releases.installed import current_file
from pipeline.errors import NavigatorError
from pipeline.logs import logger
from pipeline.settings import Settings

FIRST_PAUSE_SECONDS = 5.0
"""Before the first attempt and after one that failed; each is twice as long as the one before."""
LONGEST_PAUSE_SECONDS = 300.0
_LOG = logger("navigator.alerts")


@asynccontextmanager
async def saving_alert_webhook(
    settings: Settings, *, pause_seconds: float = FIRST_PAUSE_SECONDS
) -> AsyncIterator[None]:
    """Save the webhook during the block, as soon as Prefect's server answers.

    Nothing happens without a Prefect server (PREFECT_API_URL), without an address of our own, or
    where releases are deployed: `navigator deploy` saves it there. A fault of it stops nothing.
    """
    server, address = os.environ.get("PREFECT_API_URL"), settings.alerts_url or settings.public_url
    if server is None or address is None or current_file(settings.home).exists():
        yield
        return
    saving = asyncio.create_task(_until_saved(server, address, settings, pause_seconds))
    try:
        yield
    finally:
        saving.cancel()
        with suppress(asyncio.CancelledError):
            await saving


async def _until_saved(server: str, address: str, settings: Settings, pause: float) -> None:
    while True:
        await asyncio.sleep(pause)  # not at once: a process that starts has other things to do
        try:
            saved = await asyncio.to_thread(save_webhook, server, address, settings)
        except NavigatorError as error:
            _LOG.debug("alert_webhook_not_saved", reason=error.message)
        except Exception as error:  # whatever Prefect's client makes of a server that is away
            _LOG.debug("alert_webhook_not_saved", reason=type(error).__name__)
        else:
            if saved:
                _LOG.info("alert_webhook_saved")
            return
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def save_webhook(server: str, address: str, settings: Settings) -> bool:
    """Save the webhook and make the environment's automations; whether there was a need to.

    One that is there is left alone, but for who names an address for it (NAVIGATOR_ALERTS_URL):
    its key may be an older one.

    Args:
        server: Prefect's API.
        address: where it reaches ours, without a path.

    Raises:
        NavigatorError: the server does not answer, or an automation's deployment is not there yet.
    """
    with prefect_api(server, os.environ.get(CLIENT_VARIABLE), changing=True) as api:
        if alert_webhook(api) is not None and settings.alerts_url is None:
            return False
        asyncio.run(save_alert_webhook(address, signing_secret(settings)))
        put_automations(api, own_environment())
    return True
