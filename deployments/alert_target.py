"""Saves the blocks that an environment's alerts go to."""

from __future__ import annotations

from collections.abc import Mapping

from deployments.environment import Environment, SecretReference
from deployments.environment_variables import read_secret, secret_blocks
from deployments.save_blocks import BlockFile, save
from pipeline.errors import ConfigurationError


async def save_alert_target(environment: Environment, given: Mapping[str, str]) -> str | None:
    """Save `alert` and every target of `alerts` on the server that Prefect's client speaks to.

    The slug of `alert`; None without it.

    Args:
        given: where the address is found, when a variable holds it.

    Raises:
        ConfigurationError: the address is missing, or none that Apprise knows.
    """
    if (target := environment.alert) is None:
        slug = None
    else:
        slug = await _saved(environment, given, target.block, target.address, target.level)
    for name, channel in (environment.alerts.targets if environment.alerts else {}).items():
        await _saved(environment, given, name, channel.address, "failure")
    return slug


async def _saved(
    environment: Environment,
    given: Mapping[str, str],
    name: str,
    reference: SecretReference,
    level: str,
) -> str:
    address = read_secret(reference, given, secret_blocks(environment, given))
    if address is None:
        raise ConfigurationError(
            f"The address of the environment's alerts is not there: {reference}.",
            remedy="Set the variable, write the file, or save the block; then try again.",
        )
    return await save(BlockFile("navigator-alert", name, {"address": address, "level": level}))
