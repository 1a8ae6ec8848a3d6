"""Saves the block that an environment's alerts go to."""

from __future__ import annotations

from collections.abc import Mapping

from deployments.environment import Environment
from deployments.environment_variables import read_secret, secret_blocks
from deployments.save_blocks import BlockFile, save
from pipeline.errors import ConfigurationError


async def save_alert_target(environment: Environment, given: Mapping[str, str]) -> str | None:
    """Save it on the server that Prefect's client speaks to; its slug, None without a target.

    Args:
        given: where the address is found, when a variable holds it.

    Raises:
        ConfigurationError: the address is missing, or none that Apprise knows.
    """
    if (target := environment.alert) is None:
        return None
    address = read_secret(target.address, given, secret_blocks(environment, given))
    if address is None:
        raise ConfigurationError(
            f"The address of the environment's alerts is not there: {target.address}.",
            remedy="Set the variable, write the file, or save the block; then try again.",
        )
    values = {"address": address, "level": target.level}
    return await save(BlockFile("navigator-alert", target.block, values))
