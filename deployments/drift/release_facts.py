"""What a comparison has to know of the release that is in force in an environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """The release in force; without one, a checkout or a wheel is.

    Attributes:
        id: that every deployment has as its version, and every process as its release.
        job_variables: what every run's job has of it: its code, or its image.
    """

    id: str | None = None
    job_variables: Mapping[str, Any] | None = None


NO_RELEASE = ReleaseFacts()
"""Versions and what a release puts into job variables are not compared."""
