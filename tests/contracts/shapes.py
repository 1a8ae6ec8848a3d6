"""Comparing the shape of an answer (its keys and their types) with a recorded one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).parent / "recorded"


def recorded(name: str) -> dict[str, Any]:
    """A recorded answer, where it is from, and the further keys that the service may send."""
    value: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text("utf-8"))
    return value


def differences(name: str, got: Any, *, strict: bool = True) -> list[str]:
    """How an answer's shape differs from the recorded one, each as a sentence.

    Args:
        strict: a key that was not recorded is a difference; a real service may have grown one.
    """
    record = recorded(name)
    found = _compare(record["answer"], got, "")
    extra = set(record["also"])
    return [
        each
        for each in found
        if not (each.endswith(" is new") and (not strict or each.removesuffix(" is new") in extra))
    ]


def _compare(wanted: Any, got: Any, path: str) -> Iterator[str]:
    if wanted is None or got is None:
        return  # null stands for any type
    if _kind(wanted) != _kind(got):
        yield f"{path or 'the answer'} is {_kind(got)}, not {_kind(wanted)}"
    elif isinstance(wanted, dict):
        for key in sorted(wanted.keys() | got.keys()):
            where = f"{path}.{key}".lstrip(".")
            if key not in got:
                yield f"{where} is missing"
            elif key not in wanted:
                # What a caller named is not the service's: metadata of any keys.
                if wanted:
                    yield f"{where} is new"
            else:
                yield from _compare(wanted[key], got[key], where)
    elif isinstance(wanted, list) and wanted and got:
        for item in got:
            yield from _compare(wanted[0], item, f"{path}[]")


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    names: dict[type, str] = {dict: "an object", list: "a list", str: "a text"}
    return names[type(value)]
