"""Turns an environment into the variables of its processes, secrets read from where they are."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from deployments.environment import PREFECT_AUTH, Environment, SecretReference
from deployments.settings_table import variable_of
from pipeline.env_files import HOME
from pipeline.errors import ConfigurationError
from pipeline.settings import Settings
from pipeline.unknown_variables import PREFIX, setting_variables

ENVIRONMENT = "NAVIGATOR_ENVIRONMENT"
"""Set for every process of an environment: its name."""

_PREFECT = ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING")
_KEPT = ("NAVIGATOR_ENVIRONMENTS", "NAVIGATOR_CHILD", "NAVIGATOR_FAILPOINT", "NAVIGATOR_RELEASE")

SecretBlock = Callable[[str], str]


def process_variables(
    environment: Environment, *, given: Mapping[str, str], prefect_secret: SecretBlock
) -> dict[str, str]:
    """Every variable that a process of the environment needs.

    Args:
        given: where variables that are named as secrets are found.
        prefect_secret: reads a Prefect secret block by its name.

    Raises:
        ConfigurationError: a secret is not where the environment says; all of them are named.
    """
    made = {ENVIRONMENT: environment.name, "PREFECT_API_URL": environment.prefect.api_url}
    for name, value in environment.settings.items():
        made[_variable(name)] = _written(value)
    missing: list[str] = []
    for name, reference in environment.secrets.items():
        if (found := _secret(reference, given, prefect_secret)) is None:
            missing.append(f"{name} ({reference})")
        else:
            made[_variable(name)] = found
    if missing:
        raise ConfigurationError(
            f"Secrets of the environment {environment.name} are missing: {', '.join(missing)}.",
            remedy="Set the variable, write the file, or save the block; then try again.",
        )
    return made


def enter(
    environment: Environment,
    process: MutableMapping[str, str] = os.environ,
    *,
    prefect_secret: SecretBlock,
) -> None:
    """Make this process one of the environment: its variables, and none of another's.

    The home folder alone stays when the environment names none.

    Raises:
        ConfigurationError: as `process_variables`.
    """
    made = process_variables(environment, given=dict(process), prefect_secret=prefect_secret)
    foreign = [name for name in process if name.startswith(PREFIX) and name not in _KEPT]
    for name in {*foreign, *setting_variables(), *_PREFECT} - {HOME}:
        process.pop(name, None)
    process.update(made)


def _variable(name: str) -> str:
    if name == PREFECT_AUTH:
        return "PREFECT_API_AUTH_STRING"
    return variable_of(name, Settings.model_fields[name])


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, (dict, list)) else str(value)


def _secret(
    reference: SecretReference, given: Mapping[str, str], prefect_secret: SecretBlock
) -> str | None:
    if reference.env is not None:
        return given.get(reference.env) or None
    if reference.file is not None:
        try:
            return reference.file.expanduser().read_text("utf-8").strip() or None
        except (OSError, UnicodeDecodeError):
            return None
    assert reference.prefect_secret is not None
    return prefect_secret(reference.prefect_secret)
