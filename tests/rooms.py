"""The rooms of the house: its packages, in the order in which they build on each other."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOMS = (
    "pipeline", "clients", "blocks", "checks", "stages", "flows", "app", "insurance_navigator",
    "mocks", "deployments",
)  # fmt: skip
