"""Deploys a release to an environment, step by step, and takes it back when it does not hold.

The steps are migrate (expand only), switch API and workers, deploy flows, verify. Each is noted in
the database when it is done, and each can be done again, so that whoever finds an abandoned rollout
can take it back whole. What is taken in meanwhile is kept: both releases work with the schema.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from clients.storage.object_storage import Storage
from deployments.environment import Environment
from deployments.environment_variables import entered
from deployments.releases.archive import Packed, storage_key
from deployments.releases.deployment_parts import (
    Outcome,
    Services,
    Steps,
    StepsOf,
    Verdict,
    Verifier,
)
from deployments.releases.installed import InstalledRelease, install, installed
from deployments.releases.release_steps import ReleaseSteps
from deployments.releases.stored import stored_release
from pipeline.errors import ConfigurationError, NavigatorError, UsageError
from pipeline.failpoints import failpoint
from pipeline.settings import Settings
from pipeline.store import rollouts, schema_changes
from pipeline.store.database_urls import Addresses
from pipeline.store.engine import Database
from pipeline.store.rollouts import Rollout, Step
from pipeline.worker_identity import operator_account

Check = Callable[["Deployer", Packed], Awaitable[None]]


@dataclass
class Deployer:
    """Deploys to one environment.

    Attributes:
        environment: as its file says now.
        given: the variables of this process, where secrets are found.
        checks: tried before anything is changed; each raises, or finds nothing.
        told: called with a sentence for each step.
    """

    environment: Environment
    given: Mapping[str, str]
    settings: Settings
    addresses: Addresses
    database: Database
    storage: Storage
    services: Services
    verify: Verifier
    told: Callable[[str], None]
    checks: Sequence[Check] = ()
    steps_of: StepsOf = ReleaseSteps

    @property
    def name(self) -> str:
        """Of the environment."""
        return self.environment.name

    # -- forward -------------------------------------------------------------------------------

    async def deploy(self, packed: Packed, *, migrates: bool = True) -> Outcome:
        """Deploy a release; when it is not verified, the one before is back at the end.

        Args:
            migrates: False for one that is gone back to: it works with the schema as it is.

        Raises:
            UsageError: another deployment is under way, or the release has no baseline.
            DatabaseUnavailable, ConfigurationError: nothing could even be noted; nothing changed.
        """
        if packed.baseline is None:
            raise UsageError(
                f"The release {packed.release.id} has no baseline to be verified against.",
                remedy="Record one with `navigator baseline record` on the local stack, and make "
                "the release with --baseline FILE.",
            )
        async with AsyncExitStack() as stack:
            await self._alone(stack)
            await self._finish_abandoned()
            release = await asyncio.to_thread(install, self.settings.home, packed)
            rollout = await self._begin(packed, release)
            return await self._forward(rollout, packed, release, migrates=migrates)

    async def _alone(self, stack: AsyncExitStack) -> None:
        if not await stack.enter_async_context(rollouts.alone(self.database, self.name)):
            raise UsageError(
                f"Another process deploys to {self.name} at this moment.",
                remedy=f"See it with `navigator releases {self.name}`, and wait for its end.",
            )

    async def _begin(
        self, packed: Packed, release: InstalledRelease, *, previous: Rollout | None = None
    ) -> Rollout:
        """Note the rollout's begin; what it goes back to is what was verified last."""
        before = await asyncio.to_thread(schema_changes.revision_of, self.addresses)
        if before < schema_changes.RELEASES_SINCE:
            self.told(f"The schema is made by {release.id}")
            before = await self._steps(release, self.environment).expand()
        key = storage_key(packed.release.id)
        async with self.database.service() as connection:
            manifest = packed.release.told()
            await rollouts.record_release(connection, packed.release.id, manifest, key)
            if previous is None:
                previous = next(iter(await rollouts.verified(connection, self.name, 1)), None)
            begun = await rollouts.begin_rollout(
                connection,
                self.name,
                packed.release.id,
                previous=previous.id if previous else None,
                revision_before=before,
                declared=self.environment.model_dump(mode="json"),
                who=operator_account(),
            )
        failpoint("deploy-begun")
        return await self._found(begun)

    async def _forward(
        self, rollout: Rollout, packed: Packed, release: InstalledRelease, *, migrates: bool
    ) -> Outcome:
        try:
            await self._prepare(packed)
        except NavigatorError as error:
            self.told(f"Refused: {error.message}")
            await self._note(rollout, Step.REFUSED, reason=_why(error))
            return Outcome(await self._found(rollout.id))
        try:
            verdict = await self._through(rollout, packed, release, migrates=migrates)
            reason = verdict.reason
        except NavigatorError as error:
            verdict, reason = None, _why(error)
        except Exception as error:  # whatever it is: the release before has to be back
            verdict, reason = None, f"It failed in a way that was not foreseen: {error!r:.300}"
        told = None if verdict is None else verdict.told
        if reason:
            return await self._roll_back(rollout, reason, told)
        await self._note(rollout, Step.VERIFIED, verification=told)
        self.told(f"{release.id} is verified, and runs in {self.name}")
        await self._contract(release)
        return Outcome(await self._found(rollout.id))

    async def _prepare(self, packed: Packed) -> None:
        """Everything that can be known before something is changed."""
        self.told("Trying what the release needs")
        self.variables(self.environment)  # secrets are there
        if self.environment.pool.type != "process" and packed.release.image is None:
            raise ConfigurationError(
                f"The pool of {self.name} runs containers, and the release has no image.",
                remedy="Make it with --image repository@sha256:…",
            )
        await self.services.require()
        for check in self.checks:
            await check(self, packed)
        await self.storage.put(storage_key(packed.release.id), packed.written())

    async def _through(
        self, rollout: Rollout, packed: Packed, release: InstalledRelease, *, migrates: bool
    ) -> Verdict:
        steps = self._steps(release, self.environment)
        if migrates:
            self.told(f"Migrating to schema {packed.release.schema_revision}")
            failpoint("deploy-before-migrate")
            await steps.expand()
        await self._note(rollout, Step.MIGRATED)
        failpoint("deploy-migrated")
        self.told("Changing API and workers to the release")
        await self.services.switch(release, self.environment)
        await self._note(rollout, Step.SWITCHED)
        failpoint("deploy-switched")
        self.told("Deploying its flows")
        await steps.deploy_flows()
        await self._note(rollout, Step.DEPLOYED)
        failpoint("deploy-deployed")
        self.told("Verifying against the baseline")
        assert packed.baseline is not None
        return await self._verified(self.environment, packed.baseline, release.id)

    async def _verified(
        self, environment: Environment, baseline: bytes, release: str | None
    ) -> Verdict:
        return await self.verify(environment, self.variables(environment), baseline, release)

    async def _contract(self, release: InstalledRelease) -> None:
        """Take away what neither this release nor the one before it needs."""
        async with self.database.service() as connection:
            both = await rollouts.verified(connection, self.name, 2)
            known = {each.id: each.manifest for each in await rollouts.releases(connection)}
        if len(both) == 2:
            needed = min(str(known[each.release_id]["schema_revision"]) for each in both)
            if gone := await self._steps(release, self.environment).contract(needed):
                self.told(f"Taken away from the schema: {', '.join(gone)}")

    # -- back ----------------------------------------------------------------------------------

    async def finish_abandoned(self) -> Outcome | None:
        """Take back a rollout whose process has died; None when there is none.

        Raises:
            UsageError: its process lives.
        """
        async with AsyncExitStack() as stack:
            await self._alone(stack)
            return await self._finish_abandoned()

    async def _finish_abandoned(self) -> Outcome | None:
        if (
            await asyncio.to_thread(schema_changes.revision_of, self.addresses)
            < schema_changes.RELEASES_SINCE
        ):
            return None
        async with self.database.service() as connection:
            left = await rollouts.under_way(connection, self.name)
        if left is None:
            return None
        self.told(f"The deployment of {left.release_id} was cut off; it is taken back")
        reason = left.reason or f"Its process ended after the step {left.step}."
        return await self._roll_back(left, reason, left.verification)

    async def go_back(self) -> Outcome:
        """Go back from the release that runs to the one that was verified before it.

        Raises:
            UsageError: there is none before it, or another deployment is under way.
        """
        async with AsyncExitStack() as stack:
            await self._alone(stack)
            if (abandoned := await self._finish_abandoned()) is not None:
                return abandoned
            async with self.database.service() as connection:
                both = await rollouts.verified(connection, self.name, 2)
            if len(both) < 2:
                raise UsageError(
                    f"No other release was verified in {self.name} before.",
                    remedy=f"See `navigator releases {self.name}`; deploy another one.",
                )
            bad, good = both
            packed = await self._packed(good.release_id)
            release = await asyncio.to_thread(install, self.settings.home, packed)
            self.environment = Environment.model_validate(good.declared)
            begun = await self._begin(packed, release, previous=good)
            outcome = await self._forward(begun, packed, release, migrates=False)
            if outcome.rollout.step != Step.REFUSED:  # else it still runs
                await self._note(bad, Step.SUPERSEDED, reason="A person went back from it.")
            return outcome

    async def _roll_back(
        self, rollout: Rollout, reason: str, verification: dict[str, Any] | None
    ) -> Outcome:
        self.told(f"Rolling back: {reason}")
        await self._note(rollout, Step.ROLLING_BACK, reason=reason, verification=verification)
        failpoint("rollback-begun")
        good = await self._previous(rollout)
        environment = Environment.model_validate((good or rollout).declared)
        packed = await self._packed(good.release_id) if good else None
        release = None
        if packed is not None:
            release = await asyncio.to_thread(install, self.settings.home, packed)
        self.told(f"Changing back to {release.id if release else 'what is installed there'}")
        await self.services.switch(release, environment)
        failpoint("rollback-switched")
        if release is not None and packed is not None:
            await self._steps(release, environment).deploy_flows()
            await self._steps(release, environment).renew(rollout.created_at)
        failpoint("rollback-deployed")
        await self._schema_back(rollout)
        failpoint("rollback-migrated")
        after = None
        if packed is not None and packed.baseline is not None:
            self.told("Verifying what is back")
            after = await self._verified(environment, packed.baseline, packed.release.id)
        still = f" After going back the verification found: {after.reason}" if after and (
            after.reason) else ""  # fmt: skip
        await self._note(rollout, Step.ROLLED_BACK, reason=reason + still)
        self.told(f"{release.id if release else 'What is installed there'} runs in {self.name}")
        return Outcome(await self._found(rollout.id), after)

    async def _schema_back(self, rollout: Rollout) -> None:
        """By the migrations of the release that is taken back: only it knows the way."""
        revision = await asyncio.to_thread(schema_changes.revision_of, self.addresses)
        if revision <= rollout.revision_before:
            return
        self.told(f"Taking the schema back from {revision} to {rollout.revision_before}")
        failed = installed(self.settings.home, rollout.release_id)
        environment = Environment.model_validate(rollout.declared)
        await self._steps(failed, environment).go_back(rollout.revision_before)

    async def _previous(self, rollout: Rollout) -> Rollout | None:
        return None if rollout.previous_id is None else await self._found(rollout.previous_id)

    async def _packed(self, release_id: str) -> Packed:
        return await stored_release(self.storage, release_id)

    # -- both ----------------------------------------------------------------------------------

    def variables(self, environment: Environment) -> dict[str, str]:
        """Of a process of the environment.

        Raises:
            ConfigurationError: a secret is missing.
        """
        return entered(environment, self.given)

    def _steps(self, release: InstalledRelease, environment: Environment) -> Steps:
        return self.steps_of(release, environment, self.variables(environment))

    async def _note(
        self, rollout: Rollout, step: Step, *, reason: str = "",
        verification: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        async with self.database.service() as connection:
            await rollouts.enter_step(
                connection, rollout.id, step, reason=reason, verification=verification
            )

    async def _found(self, rollout_id: Any) -> Rollout:
        async with self.database.service() as connection:
            return await rollouts.rollout(connection, rollout_id)


def _why(error: NavigatorError) -> str:
    return f"{error.message} {error.remedy}".strip()
