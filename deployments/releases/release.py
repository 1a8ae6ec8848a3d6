"""A release: one tested state of code, dependencies, schema, suites and deployments."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

VARIABLE = "NAVIGATOR_RELEASE"
"""Set in every process that runs a release's code: its id."""

CODE_VARIABLES = ("PYTHONPATH", "PYTHONSAFEPATH", VARIABLE)
"""What a process needs to run a release's code, and to say so."""

_ID_DIGITS = 10
_NOT_OF_THE_ID = {"built_at", "id", "baseline_sha256"}


class Release(BaseModel):
    """What a release is made of; two with the same parts have the same id.

    Attributes:
        version: of the package.
        commit: of the source, when it came from git; "-dirty" when it had changes.
        wheel, wheel_sha256: the code, as a file name and its hash.
        lock_sha256: of requirements.lock, which names every dependency with its hash.
        image: of the container pools, with its digest; None where runs are processes.
        schema_revision: the newest that its migrations build.
        contractions: what it would take away from the schema later.
        suites: the quality gate's suites with their versions.
        pipeline: the versions of parser and chunker at their defaults.
        deployments_sha256: of the deployments that it renders for the base environment.
        baseline_sha256: of what it is verified against, when that came along.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = 1
    version: str
    commit: str | None = None
    wheel: str
    wheel_sha256: str
    lock_sha256: str
    image: str | None = None
    schema_revision: str
    contractions: tuple[str, ...] = ()
    suites: dict[str, str]
    pipeline: dict[str, str]
    deployments_sha256: str
    python: str
    baseline_sha256: str | None = None
    built_at: datetime = Field(description="When, in UTC.")

    @property
    def id(self) -> str:
        """The version, and a hash of everything that the release is made of."""
        parts = self.model_dump(mode="json", exclude=_NOT_OF_THE_ID)
        written = json.dumps(parts, sort_keys=True).encode()
        return f"{self.version}-{hashlib.sha256(written).hexdigest()[:_ID_DIGITS]}"

    def told(self) -> dict[str, Any]:
        """The manifest for a program, with the id."""
        return {"id": self.id, **self.model_dump(mode="json")}


def without_release(job_variables: Mapping[str, Any]) -> dict[str, Any]:
    """Job variables without those by which a deployment says of which release it is."""
    environment = dict(job_variables.get("env") or {})
    if VARIABLE not in environment:
        return dict(job_variables)
    left = {name: value for name, value in environment.items() if name not in CODE_VARIABLES}
    others = {name: v for name, v in job_variables.items() if name not in ("env", "image")}
    return {**others, **({"env": left} if left else {})}


def with_release_of(found: Mapping[str, Any], job_variables: Mapping[str, Any]) -> dict[str, Any]:
    """Job variables, with what a deployment that is there says of its release."""
    there = found.get("job_variables") or {}
    environment = there.get("env") or {}
    if VARIABLE not in environment:
        return dict(job_variables)
    code = {name: environment[name] for name in CODE_VARIABLES if name in environment}
    made = {**job_variables, "env": {**(job_variables.get("env") or {}), **code}}
    return {**made, "image": there["image"]} if "image" in there else made
