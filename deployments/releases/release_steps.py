"""Runs what a release's own code has to do: its migrations, and the deployment of its flows."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from deployments.alert_webhook import save_alert_webhook
from deployments.automation_changes import put_automations
from deployments.environment import Environment, FlowDeployment
from deployments.prefect_api import PrefectApi, path_of, prefect_api
from deployments.releases.installed import InstalledRelease
from deployments.releases.release import VARIABLE
from deployments.rendering import prefect_text
from deployments.work_pool import put_work_pool
from pipeline.child_processes import last_words
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
                f"{last_words(done.returncode, done.stderr)}.",
                remedy="Correct it, and make a new release.",
            ) from None
        if "error" in told:
            raise ConfigurationError(told["error"], remedy=told["remedy"])
        return told

    async def deploy_flows(self) -> None:
        """Bring pool, deployments, automations and alerts of the environment to this release.

        Raises:
            ServiceUnavailable: Prefect does not answer, or a flow does not load.
            ConfigurationError: it refuses the password, or what an object is to be.
        """
        await asyncio.to_thread(self._on_server, put_work_pool)
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
                f"{last_words(done.returncode, done.stderr, done.stdout)}",
                remedy="See that the Prefect server answers and takes our password.",
            )
        if self.environment.alert is not None or self.environment.alerts is not None:
            from deployments.alert_target import save_alert_target  # not before: Prefect

            await save_alert_target(self.environment, self.variables)
        if self.alerts_secret and (api_url := self.environment.alerts_api_url):
            await save_alert_webhook(api_url, self.alerts_secret)
        await asyncio.to_thread(self._on_server, put_automations)

    @property
    def alerts_secret(self) -> str | None:
        """What the key of the alerts' webhook is derived from, as the API does."""
        given = self.variables
        return given.get("NAVIGATOR_SIGNING_SECRET") or given.get("NAVIGATOR_JWT_SECRET")

    async def renew(self, since: datetime) -> None:
        """Have what was taken in since then, by another pipeline than this one's, done again.

        Raises:
            ServiceUnavailable, ConfigurationError: as `deploy_flows`.
        """
        await asyncio.to_thread(self._on_server, partial(_start_renewal, since=since))

    def _on_server(self, change: Callable[[PrefectApi, Environment], None]) -> None:
        auth = self.variables.get("PREFECT_API_AUTH_STRING")
        with prefect_api(self.environment.prefect.api_url, auth, changing=True) as server:
            change(server, self.environment)

    def job_variables(self) -> dict[str, Any]:
        """What a worker starts the release's runs with: its code, or its image."""
        if self.environment.pool.type != "process":
            return {"image": self.release.image, "env": {VARIABLE: self.release.id}}
        # For Prefect's own workers: ours are of a release as a whole.
        return {"env": self.release.variables()}

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


def _start_renewal(server: PrefectApi, environment: Environment, *, since: datetime) -> None:
    """Start a backfill; an environment without that deployment has none to start."""
    name = next((n for n, each in environment.deployments.items() if _renews(each)), None)
    found = server.read(path_of("deployments", "name", "backfill", name)) if name else None
    if found is not None:
        chosen = {"select": "outdated", "choice": {"since": since.isoformat()}}
        server.ask(
            path_of("deployments", str(found["id"]), "create_flow_run"),
            {"parameters": chosen, "name": "renewal after a rollback",
             "state": {"type": "SCHEDULED"}},
        )  # fmt: skip


def _renews(each: FlowDeployment) -> bool:
    return each.flow == "backfill" and each.parameters.get("select") == "outdated"
