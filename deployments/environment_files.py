"""Reads environments from their files: each extends another, key by key."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from deployments.environment import Environment, validated
from pipeline.env_files import ENVIRONMENT, refuse_others
from pipeline.errors import ConfigurationError
from pipeline.regular_files import read_regular

FOLDER_VARIABLE = "NAVIGATOR_ENVIRONMENTS"
_SHIPPED = Path(__file__).parent / "environments"
_AUTOMATIONS = Path(__file__).parent / "automations"
_BASE = "base"
LOCAL = "local"
"""The environment that a process is of when none is named."""
_MOST_LEVELS = 8


def environments_folder() -> Path:
    """Where the files lie: NAVIGATOR_ENVIRONMENTS, else those that are shipped as examples."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named).expanduser().absolute() if named else _SHIPPED


def environment_names() -> Sequence[str]:
    """Every environment that has a file; the base is none."""
    found = sorted(path.stem for path in environments_folder().glob("*.yaml"))
    return [name for name in found if name != _BASE]


def own_environment() -> Environment:
    """The environment that this process is of: NAVIGATOR_ENVIRONMENT names it, else the local one.

    Raises:
        ConfigurationError: as of `load_environment`.
    """
    return load_environment(os.environ.get(ENVIRONMENT) or LOCAL)


def load_environment(name: str) -> Environment:
    """Read and check one environment.

    Raises:
        ConfigurationError: there is no such file, it cannot be read, or says what it may not.
    """
    return validated(name, merge({"automations": shipped_automations()}, _merged(name, 0)))


@cache
def shipped_automations() -> dict[str, Any]:
    """The automations that every environment has, by the names of their files."""
    files = sorted(_AUTOMATIONS.glob("*.yaml"))
    return {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in files}


def _merged(name: str, level: int) -> dict[str, Any]:
    if level > _MOST_LEVELS:
        raise ConfigurationError(f"The environment {name} extends itself.")
    given = _read(name)
    parent = given.pop("extends", None)
    return given if parent is None else merge(_merged(str(parent), level + 1), given)


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The base with changes: mappings key by key, all else replaced; null takes a key away."""
    made = dict(base)
    for key, value in changes.items():
        if value is None:
            made.pop(key, None)
        elif isinstance(value, dict) and isinstance(made.get(key), dict):
            made[key] = merge(made[key], value)
        else:
            made[key] = value
    return made


def _read(name: str) -> dict[str, Any]:
    path = environments_folder() / f"{name}.yaml"
    if not path.is_file() and name in (_BASE, LOCAL):  # a folder of one's own need not repeat them
        path = _SHIPPED / f"{name}.yaml"
    if not name.replace("-", "").replace("_", "").isalnum() or not path.is_file():
        raise ConfigurationError(
            f"There is no environment {name!r} in {path.parent}.",
            remedy=f"There are: {', '.join(environment_names()) or 'none'}. Another folder is "
            f"named by {FOLDER_VARIABLE}.",
        )
    try:
        if os.environ.get(FOLDER_VARIABLE):  # what is shipped is as safe as the program
            refuse_others(path, path.stat())
        found = yaml.safe_load(read_regular(path))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path} cannot be read ({type(error).__name__}).") from None
    if not isinstance(found, dict):
        raise ConfigurationError(f"{path} is no mapping of keys to values.")
    return found
