"""Shows an environment key by key: as a file, as variables, and beside another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from deployments.environment import Environment
from deployments.environment_variables import plain_variables, variable_named


@dataclass(frozen=True, slots=True)
class Difference:
    """A key that two environments do not have alike.

    Attributes:
        only_in: the environment that alone has it; empty when both have it.
        values: of the first and the second; None where there is none.
    """

    key: str
    only_in: str
    values: tuple[Any, Any]


def merged(environment: Environment) -> dict[str, Any]:
    """Everything that is said of the environment, the base's and the defaults included.

    Secrets are references. As a file of the same name it is the same environment.
    """
    made: dict[str, Any] = environment.model_dump(mode="json", exclude={"name"}, exclude_none=True)
    return made


def as_yaml(environment: Environment) -> str:
    """The same as the text of a file."""
    return yaml.safe_dump(merged(environment), sort_keys=False, allow_unicode=True, width=100)


def as_variables(environment: Environment) -> Iterator[str]:
    """The lines of a file of variables; where each secret is found stands in a comment."""
    for name, reference in environment.secrets.items():
        yield f"# {variable_named(name)}: {reference}"
    for name, value in plain_variables(environment).items():
        yield f"{name}={_quoted(value)}"


def _quoted(value: str) -> str:
    """For files of settings: in single quotes where something might be read otherwise."""
    if value and all(each.isalnum() or each in "_-./:@,%+" for each in value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def differences(first: Environment, second: Environment) -> list[Difference]:
    """What two environments do not have alike, in the order of the keys."""
    one, other = dict(_flat(merged(first))), dict(_flat(merged(second)))
    found = []
    for key in dict.fromkeys([*one, *other]):
        if key in one and key in other and one[key] == other[key]:
            continue
        only_in = second.name if key not in one else first.name if key not in other else ""
        found.append(Difference(key, only_in, (one.get(key), other.get(key))))
    return found


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
