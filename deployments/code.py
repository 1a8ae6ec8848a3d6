"""The pull step of every deployment: names the code's place on the worker's machine."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def installed() -> dict[str, str]:
    """The folder of this checkout or image, as the worker's own Python knows it.

    Prefect's `set_working_directory` cannot say that: a fixed folder is the deployer's, an
    environment variable is already replaced while deploying when the deployer has it too, and a
    relative folder counts from the empty folder that a process worker makes for each run.
    """
    return {"directory": str(ROOT)}
