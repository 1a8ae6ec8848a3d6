"""The version of the program: of the installed package, else of the checkout that it runs in."""

from __future__ import annotations

import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGE = "insurance-navigator"
PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def program_version() -> str:
    """The installed package's version; without an installation, the one in pyproject.toml."""
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        return version_of_checkout()


def version_of_checkout() -> str:
    """The version in the pyproject.toml beside the code."""
    return str(tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]["version"])
