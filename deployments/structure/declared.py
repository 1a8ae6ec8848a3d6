"""Loads the structure that a revision of the schema declares."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from pipeline.errors import ConfigurationError
from pipeline.store.structure import Structure

FOLDER = Path(__file__).parent


@cache
def declared_structure(revision: str) -> Structure:
    """What the migrations up to a revision build.

    Raises:
        ConfigurationError: this version does not describe that revision.
    """
    path = FOLDER / f"{revision}.json"
    if not revision.isalnum() or not path.is_file():
        raise ConfigurationError(
            f"The structure of the schema {revision} is not described in this version.",
            remedy="Compare with the version that made it, or migrate to the newest schema.",
        )
    return Structure.from_json(json.loads(path.read_text("utf-8")))
