"""Names the software that a quality report was made with, each with its version."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from checks.report_data import Software
from pipeline.worker_identity import release_of_process

_PACKAGES = {
    "insurance-navigator": "Insurance Navigator",
    "great-expectations": "Great Expectations",
    "prefect": "Prefect",
}


def software() -> tuple[Software, ...]:
    """The program, its release when it has one, and the libraries that judged."""
    found = [Software(title, _version(name)) for name, title in _PACKAGES.items()]
    if release := release_of_process():
        found.insert(1, Software("Release", release))
    return (*found, Software("Python", platform.python_version()))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "of a checkout"
