"""Saves Prefect blocks from files, with their secrets from the environment.

A file says ``type``, ``name`` and ``values``; in a value ``${NAME}`` is the variable NAME, which
has to be set, and ``${NAME:-other}`` is ``other`` when it is not. Examples: deployments/blocks/.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import ConfigurationError
from pipeline.regular_files import read_regular

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^{}]*+))?\}")


@dataclass(frozen=True)
class BlockFile:
    """One block as its file describes it, with the variables filled in."""

    type: str
    name: str
    values: dict[str, Any]


def read_block_file(path: Path, environment: Mapping[str, str]) -> BlockFile:
    """Read one file.

    Raises:
        ConfigurationError: it cannot be read, has other keys, or needs variables that are not set;
            all of these are named.
    """
    try:
        written = yaml.safe_load(read_regular(path))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path} cannot be read ({type(error).__name__}).") from None
    if not isinstance(written, dict) or set(written) != {"type", "name", "values"}:
        raise ConfigurationError(f"{path} must have exactly the keys type, name and values.")
    missing: list[str] = []
    values = _filled(written["values"], environment, missing)
    if missing:
        raise ConfigurationError(
            f"{path} needs variables that are not set: {', '.join(sorted(set(missing)))}.",
            remedy="Set them and run it again.",
        )
    return BlockFile(str(written["type"]), str(written["name"]), values)


def _filled(value: Any, environment: Mapping[str, str], missing: list[str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, environment, missing) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, environment, missing) for each in value]
    if not isinstance(value, str):
        return value

    def variable(match: re.Match[str]) -> str:
        found = environment.get(match[1]) or match[2]
        if found is None:
            missing.append(match[1])
        return found or ""

    return _VARIABLE.sub(variable, value)


async def save(block: BlockFile) -> str:
    """Register the block's type and save it in place of one of the same name.

    Returns:
        What a setting calls it, for example ``navigator-database/default``.

    Raises:
        ConfigurationError: there is no such type, or a value is wrong; no value is repeated.
    """
    from pydantic import ValidationError

    from blocks.registry import BLOCK_TYPES

    types = {each.get_block_type_slug(): each for each in BLOCK_TYPES}
    if block.type not in types:
        raise ConfigurationError(f"The type {block.type!r} is none of {', '.join(types)}.")
    unknown = set(block.values) - set(types[block.type].model_fields)
    if unknown:
        raise ConfigurationError(f"{block.type} has no field {', '.join(sorted(unknown))}.")
    try:
        filled_in = types[block.type](**block.values)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}"
            for each in error.errors(include_input=False, include_context=False)
        )
        raise ConfigurationError(f"{block.type}: {wrong}.") from None
    await filled_in.asave(block.name, overwrite=True)
    return f"{block.type}/{block.name}"


def main(arguments: Sequence[str]) -> int:
    """Save each file's block and print its name; 2 when one is wrong or none is named."""
    if not arguments:
        sys.stderr.write("Usage: python -m deployments.save_blocks FILE…\n")
        return 2
    try:
        blocks = [read_block_file(Path(each), os.environ) for each in arguments]
        for block in blocks:
            sys.stdout.write(f"{asyncio.run(save(block))}\n")
    except ConfigurationError as error:
        sys.stderr.write(f"{error.message} {error.remedy}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
