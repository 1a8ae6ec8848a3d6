"""Runs what a release's own code has to do: its migrations, and the deployment of its flows."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployments.environment import Environment
from deployments.releases.installed import InstalledRelease
from deployments.releases.release import VARIABLE
from deployments.rendering import prefect_text
from pipeline.errors import ConfigurationError, ServiceUnavailable

_SCHEMA_SECONDS = 3600
_DEPLOY_SECONDS = 300


@dataclass(frozen=True, slots=True)
class ReleaseSteps:
    """What one release does in one environment.

    Attributes:
        variables: of a process of the environment, secrets included.
    """

    release: InstalledRelease
    environment: Environment
    variables: Mapping[str, str]

    async def expand(self) -> str:
        """Bring the schema to the release's revision; the revision.

        Raises:
            ConfigurationError: a migration does not only add, or fails; nothing was changed.
        """
        return str((await self._schema("expand"))["revision"])

    async def go_back(self, revision: str) -> None:
        """Take the schema back to a revision.

        Raises:
            ConfigurationError: it cannot be.
        """
        await self._schema("back", revision)

    async def contract(self, needed: str) -> list[str]:
        """Take away what no release from a schema revision on needs; what it was."""
        return list((await self._schema("contract", needed))["contractions"])

    async def _schema(self, *arguments: str) -> dict[str, Any]:
        done = await self._run("deployments.releases.schema_steps", *arguments,
                               seconds=_SCHEMA_SECONDS)  # fmt: skip
        try:
            told: dict[str, Any] = json.loads(done.stdout)
        except ValueError:
            raise ConfigurationError(
                f"The release {self.release.id} fails while it changes the schema: "
                f"{last_line(done.stderr)}",
                remedy="Correct it, and make a new release.",
            ) from None
        if "error" in told:
            raise ConfigurationError(told["error"], remedy=told["remedy"])
        return told

    async def deploy_flows(self) -> None:
        """Bring every deployment of the environment to this release on its Prefect server.

        Raises:
            ServiceUnavailable: Prefect refuses, does not answer, or a flow does not load.
        """
        file = self.release.site.parent / f"prefect-{self.environment.name}.yaml"
        rendered = prefect_text(self.environment, self.release.id, self.job_variables())
        await asyncio.to_thread(file.write_text, rendered, "utf-8")
        done = await self._run(
            "prefect", "--no-prompt", "deploy", "--prefect-file", str(file), "--all",
            seconds=_DEPLOY_SECONDS, folder=self.release.site,
        )  # fmt: skip
        if done.returncode != 0:
            raise ServiceUnavailable(
                f"The deployments of {self.release.id} cannot be made: "
                f"{last_line(done.stderr) or last_line(done.stdout)}",
                remedy="See that the Prefect server answers and takes our password.",
            )

    def job_variables(self) -> dict[str, Any]:
        """What a worker starts the release's runs with: its code, or its image."""
        if self.environment.pool.type != "process":
            return {"image": self.release.image, "env": {VARIABLE: self.release.id}}
        return {"working_dir": str(self.release.site), "env": self.release.variables()}

    async def _run(
        self, module: str, *arguments: str, seconds: float, folder: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        try:
            return await asyncio.to_thread(
                self.release.run, module, *arguments, variables=self.variables, seconds=seconds,
                folder=folder,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise ServiceUnavailable(
                f"The release {self.release.id} does not end its step {module} in {seconds:.0f} s.",
                remedy="Look what holds it: the database's locks, or the Prefect server.",
            ) from None


def last_line(text: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip(" │╭╰─╮╯\n")]
    return lines[-1].strip("│ ") if lines else ""
