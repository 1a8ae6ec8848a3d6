"""Changes what `navigator up` runs on a home to another release, and waits until it runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from app.stack.status_file import ServiceState, running_stack
from deployments.environment import Environment
from deployments.releases.installed import InstalledRelease, switch
from pipeline.errors import ConfigurationError, ServiceUnavailable

SWITCH_SECONDS = 180.0
_LOOK_SECONDS = 0.25
_SWITCHED = ("api", "worker")


class HomeServices:
    """API and workers that `navigator up` runs on a home of this machine."""

    def __init__(self, home: Path) -> None:
        self._home = home.absolute()

    async def require(self) -> None:
        """Require that `navigator up` runs on the home.

        Raises:
            ConfigurationError: it does not, or has no worker.
        """
        if not any(name == "worker" for name, _ in self._states()):
            raise ConfigurationError(
                f"No worker of `navigator up` runs on {self._home}.",
                remedy="Start `navigator --environment NAME up` there, or say under `services` of "
                "the environment by which command its services change.",
            )

    async def switch(self, release: InstalledRelease | None, environment: Environment) -> None:
        """Run a release from now on; returns when API and worker run it and are healthy.

        Raises:
            ServiceUnavailable: they do not come up; the sentence says how they are.
        """
        await asyncio.to_thread(switch, self._home, release, environment)
        wanted = release.id if release is not None else None
        deadline = time.monotonic() + SWITCH_SECONDS
        while unwell := self._unwell(wanted):
            if time.monotonic() > deadline or not self._states():
                raise ServiceUnavailable(
                    f"What runs on {self._home} does not change to "
                    f"{wanted or 'what is installed there'}: {'; '.join(unwell)}.",
                    remedy=f"Look into the logs in {self._home / 'logs'}.",
                )
            await asyncio.sleep(_LOOK_SECONDS)

    def _states(self) -> Sequence[tuple[str, ServiceState]]:
        stack = running_stack(self._home)
        services = stack.services if stack is not None else {}
        return [(name, services[name]) for name in _SWITCHED if name in services]

    def _unwell(self, wanted: str | None) -> Sequence[str]:
        """How each service is that does not run the release yet."""
        states = self._states()
        if not states:
            return ["`navigator up` has ended"]
        return [
            f"{name} is {each.state} with {each.release or 'what is installed'}"
            for name, each in states
            if each.state != "healthy" or each.release != wanted
        ]
