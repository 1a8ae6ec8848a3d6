"""Parses the front matter of a Markdown file (YAML or TOML): title, number, date."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

MAX_CHARS = 20_000
_MAX_VALUE = 500
_MAX_DEPTH = 4
_MARKS = {"---": ("---", "..."), "+++": ("+++",)}


def front_matter(text: str) -> tuple[dict[str, str], list[str], str]:
    """Takes the front matter off a text.

    Returns:
        the facts by name, the same as lines to read, and the text below; no facts and the text
        as it is, when it has none.
    """
    found = _parted(text)
    if found is None:
        return {}, [], text
    mark, block, rest = found
    data = _yaml(block) if mark == "---" else _toml(block)
    if not isinstance(data, dict) or not data:
        return {}, [], text
    pairs = list(_flat(data, "", _MAX_DEPTH))
    return {key: value[:_MAX_VALUE] for key, value in pairs}, [f"{k}: {v}" for k, v in pairs], rest


def _parted(text: str) -> tuple[str, str, str] | None:
    """The opening mark, what stands up to the closing mark, and what follows it."""
    text = text.removeprefix("\ufeff")
    mark = text[:3]
    if mark not in _MARKS or text[3:].split("\n", 1)[0].strip():
        return None
    at = text.find("\n") + 1
    start = at
    while 0 < at < MAX_CHARS:
        end = text.find("\n", at)
        line = text[at:] if end < 0 else text[at:end]
        if line.rstrip() in _MARKS[mark]:
            return mark, text[start:at], "" if end < 0 else text[end + 1 :]
        at = end + 1
    return None


def _yaml(block: str) -> Any:
    import yaml

    try:
        # An alias could stand for a million copies of what it names.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(block, yaml.BaseLoader)):
            return None
        return yaml.load(block, yaml.BaseLoader)  # noqa: S506  # makes strings and nothing else
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def _toml(block: str) -> Any:
    try:
        return tomllib.loads(block)
    except (tomllib.TOMLDecodeError, ValueError, RecursionError):
        return None


def _flat(data: dict[Any, Any], prefix: str, depth: int) -> Iterator[tuple[str, str]]:
    for key, value in data.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and depth:
            yield from _flat(value, f"{name}.", depth - 1)
        elif isinstance(value, list) and not any(isinstance(each, dict | list) for each in value):
            yield name, ", ".join(_line(each) for each in value)
        else:
            yield name, _line(value)


def _line(value: Any) -> str:
    return " ".join(str(value).split())
