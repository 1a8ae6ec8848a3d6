"""References to secrets: where one is, which may be kept and shown where the secret itself may not.

``env:NAME`` is a variable of the environment, ``file:/PATH`` a file, ``block:NAME`` a secret block
that is saved on the Prefect server.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from pipeline.errors import ConfigurationError, UsageError
from pipeline.regular_files import read_regular

BLOCK = "block:"
_WRITTEN = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:/.+|block:[a-z0-9][a-z0-9-]*")
_MOST_BYTES = 64 * 1024


def require_reference(written: str) -> str:
    """A reference, as it was written.

    Raises:
        UsageError: it is none; it is not repeated, for it may be the secret itself.
    """
    if not _WRITTEN.fullmatch(written) or not written.isprintable():
        raise UsageError(
            "Credentials are given by where they are, not as they are.",
            remedy="Write --credentials env:NAME, file:/PATH or block:NAME.",
        )
    return written


def read_secret(reference: str) -> str:
    """What a variable or a file holds.

    Raises:
        ConfigurationError: there is nothing.
    """
    kind, _, place = reference.partition(":")
    if kind == "env":
        if found := os.environ.get(place):
            return found
        raise _missing(f"The variable {place}, which holds a source's credentials, is not set.")
    try:
        return read_regular(Path(place), _MOST_BYTES).decode("utf-8").strip()
    except (OSError, UnicodeError):
        raise _missing(
            f"The file {place}, which holds a source's credentials, cannot be read."
        ) from None


def as_options(secret: str) -> Mapping[str, str]:
    """A secret as options: those of its JSON object, or else one ``password``."""
    try:
        found = json.loads(secret)
    except ValueError:
        return {"password": secret}
    if not isinstance(found, dict):
        return {"password": secret}
    return {str(name).lower(): str(value) for name, value in found.items()}


def _missing(message: str) -> ConfigurationError:
    return ConfigurationError(
        message, remedy="Put it where the process runs that reads the source."
    )
