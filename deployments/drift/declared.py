"""What an environment declares of its deployments, in the form of prefect.yaml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployments import rendering
from deployments.drift.accepting import is_accepted
from deployments.drift.deployment_fields import Declared
from deployments.drift.difference import Area, named
from deployments.environment import Environment
from deployments.environment_files import own_environment
from deployments.environment_parts import AcceptedDrift


@dataclass(frozen=True, slots=True)
class DeclaredDeployments:
    """Everything that is to be deployed.

    Attributes:
        pull: the steps with which a worker of Prefect's own finds the code.
        written: all of it, in the form of prefect.yaml.
        pool_type: of the work pool that is made where it is missing.
        accepted: differences that are let be.
    """

    deployments: Sequence[Declared]
    pull: Sequence[Mapping[str, Any]]
    written: Mapping[str, Any]
    pool_type: str = "process"
    accepted: Sequence[AcceptedDrift] = ()

    def accepts(self, name: str, field: str = "") -> bool:
        """Whether a deployment that is missing, or a field that differs, is let be."""
        return is_accepted(named(Area.DEPLOYMENT, name, field), self.accepted)

    def named(self, name: str) -> Declared:
        """The deployment of this name."""
        return next(each for each in self.deployments if each["name"] == name)


def declared_by(
    environment: Environment,
    release: str | None = None,
) -> DeclaredDeployments:
    """What an environment declares.

    Args:
        release: whose version every deployment has; versions are not compared without one.
    """
    written = rendering.prefect_file(environment, release)
    return DeclaredDeployments(
        written["deployments"],
        written["pull"],
        written,
        environment.pool.type,
        environment.accepted,
    )


def declared_here() -> DeclaredDeployments:
    """What the environment of this process declares."""
    return declared_by(own_environment())


def flow_name(declared: Declared) -> str:
    """The name of a deployment's flow, as Prefect knows it."""
    return str(declared["entrypoint"]).rpartition(":")[2].replace("_", "-")
