"""Chooses a local model: writes the settings file, and says what goes before it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from app.models.catalog import COMES_WITH_THE_PROGRAM
from app.models.installing import find_installed
from pipeline.env_files import ENTERED, NAME, env_file
from pipeline.errors import ConfigurationError, UsageError
from pipeline.full_disk import full_disk, says_full
from pipeline.private_files import open_home


def chosen_settings(home: Path, name: str) -> dict[str, str]:
    """The variables that choose a model.

    Raises:
        UsageError: there is no such model.
    """
    if name == COMES_WITH_THE_PROGRAM:
        return {"NAVIGATOR_EMBEDDER": COMES_WITH_THE_PROGRAM}
    model = find_installed(home, name)
    folder = str(model.folder.absolute())
    if model.kind == "reranker":
        return {"NAVIGATOR_RERANKER_FOLDER": folder}
    return {"NAVIGATOR_EMBEDDER": "onnx", "NAVIGATOR_ONNX_FOLDER": folder}


def write_settings(home: Path, variables: dict[str, str]) -> Path:
    """Write variables into the settings file, which keeps everything else; the file.

    Raises:
        UsageError: an environment's file has all settings.
        ConfigurationError: the file cannot be written. StorageUnavailable: the disk is full.
    """
    from dotenv import set_key

    if os.environ.get(ENTERED):
        raise UsageError(
            "In an environment all settings come from its own file.",
            remedy="Write there: " + " ".join(map("=".join, variables.items())),
        )
    open_home(home)
    path = env_file() or home.absolute() / NAME
    try:
        for name, value in variables.items():
            set_key(path, name, value, quote_mode="auto")
    except OSError as error:
        if says_full(error):
            raise full_disk(path.parent) from None
        raise ConfigurationError(
            f"The settings file {path} cannot be written ({type(error).__name__}).",
            remedy="Write there: " + " ".join(map("=".join, variables.items())),
        ) from None
    return path


def overridden(variables: dict[str, str]) -> Iterator[str]:
    """The variables of the process's own environment that go before the file."""
    for name, value in variables.items():
        if os.environ.get(name, value) != value:
            yield name
