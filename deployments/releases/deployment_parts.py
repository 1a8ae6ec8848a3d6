"""What a deployment is made of: services, a release's steps, a verification, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from deployments.environment import Environment
from deployments.releases.installed import InstalledRelease
from pipeline.store.rollouts import Rollout, Step


class Services(Protocol):
    """What runs API and workers of an environment."""

    async def require(self) -> None:
        """Require that it can change to another release.

        Raises:
            ConfigurationError: it does not run, or not here.
        """

    async def switch(self, release: InstalledRelease | None, environment: Environment) -> None:
        """Run a release from now on; returns when it runs. None: what is installed there.

        Raises:
            ServiceUnavailable: it does not come up.
        """


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the verification of an environment found.

    Attributes:
        told: everything, for a program.
        reason: why it is not as the baseline; empty when it is.
    """

    told: dict[str, Any]
    reason: str = ""

    @property
    def passed(self) -> bool:
        """Whether the environment is as the baseline."""
        return not self.reason


class Steps(Protocol):
    """What a release's own code does in an environment; see `ReleaseSteps`."""

    async def expand(self) -> str:
        """Bring the schema to the release's revision; the revision."""

    async def go_back(self, revision: str) -> None:
        """Take the schema back to a revision."""

    async def contract(self, needed: str) -> list[str]:
        """Take away what no release from a schema revision on needs; what it was."""

    async def deploy_flows(self) -> None:
        """Bring pool, deployments and automations of the environment to the release."""

    async def renew(self, since: datetime) -> None:
        """Have what was taken in since then, by another pipeline than the release's, done again."""


StepsOf = Callable[[InstalledRelease, Environment, Mapping[str, str]], Steps]


class Verifier(Protocol):
    """Compares an environment with a baseline."""

    async def __call__(
        self, environment: Environment, variables: Mapping[str, str], baseline: bytes,
        release: str | None,
    ) -> Verdict:  # fmt: skip
        """What it finds.

        Raises:
            NavigatorError: it cannot be done.
        """


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a deployment ended.

    Attributes:
        step: verified, refused or rolled_back.
        reason: why it was not verified.
        after: what the verification after rolling back found; None when there was none.
    """

    rollout: Rollout
    after: Verdict | None = None

    @property
    def is_verified(self) -> bool:
        """Whether the release is what runs now."""
        return self.rollout.step == Step.VERIFIED
