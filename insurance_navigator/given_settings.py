"""Settings that a program gives by keyword, and how a process of ours gets the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from pydantic import SecretStr

from pipeline.env_files import HOME
from pipeline.errors import ConfigurationError
from pipeline.settings import BLOCKS, Settings, load_settings


def given_settings(given: Mapping[str, object]) -> Settings:
    """The settings of the environment and the settings file with these on top.

    Raises:
        ConfigurationError: one is unknown or wrong.
    """
    for name in given.keys() - Settings.model_fields.keys():
        near = get_close_matches(name, Settings.model_fields, 1)
        meant = f" Did you mean {near[0]}?" if near else ""
        raise ConfigurationError(
            f"There is no setting {name!r}.{meant}",
            remedy="docs/python.md says where the settings are listed.",
        )
    return load_settings(**given)


def environment_with(
    environment: Mapping[str, str], given: Mapping[str, object], settings: Settings
) -> dict[str, str]:
    """An environment in which a process reads the same settings.

    Args:
        settings: as `given_settings` returned them.
    """
    made = dict(environment)
    for name, value in given.items():
        if value is None:
            continue
        made[f"NAVIGATOR_{name.upper()}"] = _as_variable(getattr(settings, name))
        if name in BLOCKS:  # what is given outright goes before a saved block
            made.pop(f"NAVIGATOR_{BLOCKS[name].upper()}", None)
    # The settings file is looked for there, whatever the current folder is by then.
    if HOME in made:
        made[HOME] = str(settings.home.absolute())
    return made


def _as_variable(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Path):
        return str(value.expanduser().absolute())
    if isinstance(value, (bool, dict, list, tuple)):
        return json.dumps(value, default=_as_variable)
    return str(value)
