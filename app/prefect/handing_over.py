"""Hands a run over to the workers of a Prefect server."""

from __future__ import annotations

import asyncio
import os
from typing import Any
from uuid import UUID

from pipeline.errors import ConfigurationError
from pipeline.settings import Settings


def hand_over(settings: Settings, deployment: str, parameters: dict[str, Any], later: str) -> UUID:
    """Have a worker run a deployment; the id of its flow run.

    Args:
        later: what to say when the server did not take it: how it is begun later.

    Raises:
        ConfigurationError: there is no Prefect server with our deployments.
    """
    from app.prefect.server import join_prefect, prefect_of_stack
    from app.process.working_folder import leave_folder

    leave_folder()
    if "PREFECT_API_URL" not in os.environ and (url := prefect_of_stack(settings.home)):
        os.environ["PREFECT_API_URL"] = url
    if join_prefect(settings.home, settings.prefect_auth_file) is None:
        raise ConfigurationError(
            "There is no Prefect server whose workers could do it.",
            remedy="Run `navigator up`, set PREFECT_API_URL, or leave --deployed out.",
        )
    return asyncio.run(_deployed(deployment, parameters, later))


async def _deployed(deployment: str, parameters: dict[str, Any], later: str) -> UUID:
    from httpx import HTTPError
    from prefect.deployments import arun_deployment
    from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

    try:
        begun = await arun_deployment(deployment, parameters=parameters, timeout=0)
    except ObjectNotFound:
        raise ConfigurationError(
            f"The Prefect server has no deployment {deployment}.",
            remedy="Deploy with `prefect deploy --all`, or leave --deployed out.",
        ) from None
    except (HTTPError, PrefectHTTPStatusError) as error:
        raise ConfigurationError(
            f"The Prefect server did not take it ({type(error).__name__}).",
            remedy=f"Check PREFECT_API_URL; {later}",
        ) from None
    return begun.id
