"""Turns an environment into the variables of its processes, secrets read from where they are."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from deployments.environment import PREFECT_AUTH, Environment, SecretReference
from deployments.secret_blocks import SecretBlocks
from deployments.settings_table import variable_of
from pipeline.env_files import ENTERED, HOME
from pipeline.env_files import ENVIRONMENT as ENVIRONMENT
from pipeline.errors import ConfigurationError
from pipeline.settings import Settings
from pipeline.unknown_variables import PREFIX, setting_variables

_PREFECT = ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING")
_KEPT = ("NAVIGATOR_ENVIRONMENTS", "NAVIGATOR_CHILD", "NAVIGATOR_FAILPOINT", "NAVIGATOR_RELEASE")

SecretBlock = Callable[[str], str | None]


def process_variables(
    environment: Environment,
    *,
    given: Mapping[str, str],
    prefect_secret: SecretBlock | None = None,
) -> dict[str, str]:
    """Every variable that a process of the environment needs.

    Args:
        given: where variables that are named as secrets are found.
        prefect_secret: reads a Prefect secret block by its name; without it, the environment's own
            server is asked, when a secret is in a block.

    Raises:
        ConfigurationError: a secret is not where the environment says; all of them are named.
        ServiceUnavailable: a secret is in a block, and the server does not answer.
    """
    found = found_secrets(environment, given=given, prefect_secret=prefect_secret)
    missing = [f"{name} ({environment.secrets[name]})" for name in found if found[name] is None]
    if missing:
        raise ConfigurationError(
            f"Secrets of the environment {environment.name} are missing: {', '.join(missing)}.",
            remedy="Set the variable, write the file, or save the block; then try again.",
        )
    secrets = {variable_named(name): value for name, value in found.items() if value is not None}
    return plain_variables(environment) | secrets


def plain_variables(environment: Environment) -> dict[str, str]:
    """The variables of a process that are no secrets."""
    made = {
        ENVIRONMENT: environment.name,
        ENTERED: environment.name,
        "PREFECT_API_URL": environment.prefect.api_url,
    }
    if environment.alert is not None:
        made[variable_named("alert_block")] = environment.alert.slug
    if environment.alerts is not None:
        made[variable_named("alert_routing")] = _written(environment.alerts.routing)
    return made | {variable_named(name): _written(v) for name, v in environment.settings.items()}


def found_secrets(
    environment: Environment,
    *,
    given: Mapping[str, str],
    prefect_secret: SecretBlock | None = None,
) -> dict[str, str | None]:
    """Every secret by its name; None for one that is not where the environment says.

    Raises:
        ServiceUnavailable: a secret is in a block, and the server does not answer.
        ConfigurationError: it refuses the password.
    """
    blocks = prefect_secret or secret_blocks(environment, given)
    return {
        name: read_secret(reference, given, blocks)
        for name, reference in environment.secrets.items()
    }


def secret_blocks(environment: Environment, given: Mapping[str, str]) -> SecretBlocks:
    """The secret blocks of the environment's own server, with its password."""
    return SecretBlocks(environment.prefect.api_url, prefect_auth(environment, given))


def prefect_auth(environment: Environment, given: Mapping[str, str]) -> str | None:
    """The user:password of the environment's server; None when it has none, or it is missing."""
    reference = environment.secrets.get(PREFECT_AUTH)
    return read_secret(reference, given, lambda _: None) if reference else None


def enter(
    environment: Environment,
    process: MutableMapping[str, str] = os.environ,
    *,
    prefect_secret: SecretBlock | None = None,
) -> None:
    """Make this process one of the environment: its variables, and none of another's.

    The home folder alone stays when the environment names none. A file of settings is not read
    any more (`pipeline.env_files`).

    Raises:
        ConfigurationError: as `process_variables`.
        ServiceUnavailable: as `process_variables`.
    """
    made = process_variables(environment, given=dict(process), prefect_secret=prefect_secret)
    foreign = [name for name in process if name.startswith(PREFIX) and name not in _KEPT]
    for name in {*foreign, *setting_variables(), *_PREFECT} - {HOME}:
        process.pop(name, None)
    process.update(made)


def entered(
    environment: Environment,
    given: Mapping[str, str],
    *,
    prefect_secret: SecretBlock | None = None,
) -> dict[str, str]:
    """The variables that a process with the given ones has once it has entered the environment.

    Raises:
        ConfigurationError, ServiceUnavailable: as `enter`.
    """
    made = dict(given)
    enter(environment, made, prefect_secret=prefect_secret)
    return made


def variable_named(name: str) -> str:
    """The variable of a setting, or of Prefect's password."""
    if name == PREFECT_AUTH:
        return "PREFECT_API_AUTH_STRING"
    return variable_of(name, Settings.model_fields[name])


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, (dict, list)) else str(value)


def read_secret(
    reference: SecretReference, given: Mapping[str, str], prefect_secret: SecretBlock
) -> str | None:
    """The secret that a reference leads to; None when it leads nowhere."""
    if reference.env is not None:
        return given.get(reference.env) or None
    if reference.file is not None:
        try:
            return reference.file.expanduser().read_text("utf-8").strip() or None
        except (OSError, UnicodeDecodeError):
            return None
    assert reference.prefect_secret is not None
    return prefect_secret(reference.prefect_secret) or None
