"""Warns of unknown variables: one that looks like a setting and is none may be a typo."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache

from pydantic import AliasChoices

from pipeline.child_processes import CHILD
from pipeline.env_files import ENTERED, ENVIRONMENT, VARIABLE
from pipeline.settings import Settings

PREFIX = "NAVIGATOR_"
# Ours, but no settings: what parents tell children, tests, an example block's secret, and where
# environments and releases are.
_OTHERS = frozenset(
    {
        VARIABLE,
        CHILD,
        "NAVIGATOR_FAILPOINT",
        "NAVIGATOR_ALERT_ADDRESS",
        ENVIRONMENT,
        ENTERED,
        "NAVIGATOR_API_ADDRESS",
        "NAVIGATOR_ENVIRONMENTS",
        "NAVIGATOR_RELEASE",
    }
)
_TESTS = "NAVIGATOR_TEST_"
# What Kubernetes and Docker links set for a service that is called "navigator".
_OF_A_SERVICE = ("_SERVICE_HOST", "_SERVICE_PORT", "_PORT")
_PORT_OF_A_SERVICE = re.compile(r"_SERVICE_PORT_|_PORT_\d{1,5}+_(?:TCP|UDP)")


def unknown_variables(names: Iterable[str]) -> dict[str, str | None]:
    """Of the names those that begin like a setting and are none, with the nearest right one."""
    return {
        name: _nearest(name.upper())
        for name in sorted(set(names))
        if name.upper().startswith(PREFIX) and not _is_known(name.upper())
    }


def sentence(name: str, nearest: str | None, where: str) -> str:
    """What is said of such a variable.

    Args:
        where: where it is set, as in "in the environment".
    """
    meant = f"; did you mean {nearest}?" if nearest else "; `navigator doctor` helps."
    return f"{name} {where} is no setting and does nothing{meant}"


@cache
def setting_variables() -> frozenset[str]:
    """Every variable that sets something."""
    found = set()
    for name, field in Settings.model_fields.items():
        found.add(f"{PREFIX}{name.upper()}")
        if isinstance(field.validation_alias, AliasChoices):
            found |= {str(each) for each in field.validation_alias.choices}
    return frozenset(found)


def _is_known(name: str) -> bool:
    known = name in setting_variables() or name in _OTHERS or name.startswith(_TESTS)
    of_a_service = name.endswith(_OF_A_SERVICE) or _PORT_OF_A_SERVICE.search(name) is not None
    return known or of_a_service


def _nearest(name: str) -> str | None:
    # Without the prefix, which all have, names that have nothing else in common are not near.
    known = sorted(setting_variables() | {VARIABLE}, key=lambda each: each.startswith(PREFIX))
    bare = {each.removeprefix(PREFIX): each for each in known}
    found = get_close_matches(name.removeprefix(PREFIX), bare, n=1, cutoff=0.7)
    return bare[found[0]] if found else None
