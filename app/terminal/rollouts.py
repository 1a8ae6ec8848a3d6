"""Runs deployments for the command line: enters the environment, tells each step and the end."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from app.stack.release_switch import HomeServices
from app.terminal import entering
from app.terminal.console import print_json, say, tell
from deployments.environment import Environment
from deployments.releases.deploying import Deployer
from deployments.releases.deployment_parts import Outcome
from deployments.releases.opening import opened_deployer
from pipeline.errors import NavigatorError
from pipeline.settings import Settings
from pipeline.store.rollouts import Rollout, Step

Answer = TypeVar("Answer")

WORDS = {
    Step.BEGUN: "begun",
    Step.MIGRATED: "schema migrated",
    Step.SWITCHED: "services changed",
    Step.DEPLOYED: "flows deployed, being verified",
    Step.ROLLING_BACK: "being rolled back",
    Step.VERIFIED: "verified",
    Step.REFUSED: "refused, nothing changed",
    Step.ROLLED_BACK: "rolled back",
    Step.SUPERSEDED: "gone back from",
}
"""Each step for a person."""


@dataclass(frozen=True, slots=True)
class Entered:
    """An environment that this process is one of now.

    Attributes:
        given: the variables of the process before.
    """

    environment: Environment
    settings: Settings
    given: Mapping[str, str]

    def work(self, work: Callable[[Deployer], Awaitable[Answer]]) -> Answer:
        """Do something with the environment's deployer, which tells its steps.

        Raises:
            NavigatorError: in one sentence, why it could not even begin.
        """

        async def opened() -> Answer:
            home = HomeServices(self.settings.home)
            async with opened_deployer(
                self.environment, self.given, self.settings, home, _with_time()
            ) as deployer:
                return await work(deployer)

        return asyncio.run(opened())


def entered(name: str) -> Entered:
    """Make this process one of an environment.

    Raises:
        ConfigurationError: its file is wrong, or a secret is missing.
    """
    given = dict(os.environ)
    environment, settings = entering.entered(name)
    return Entered(environment, settings, given)


def _with_time() -> Callable[[str], None]:
    began = time.monotonic()

    def told(sentence: str) -> None:
        say(f"{time.monotonic() - began:6.1f} s  {sentence}")

    return told


def show_outcome(outcome: Outcome, settings: Settings, *, json: bool) -> int:
    """How a deployment ended, and an alert when it is not verified; the exit code."""
    rollout = outcome.rollout
    if json:
        print_json(outcome_json(outcome))
    else:
        tell(f"{rollout.release_id} in {rollout.environment}: {WORDS[Step(rollout.step)]}"
             f" after {_seconds(rollout):.0f} s")  # fmt: skip
        if rollout.reason:
            tell(rollout.reason)
    if not outcome.is_verified:
        asyncio.run(_alert(settings, rollout))
    return 0 if outcome.is_verified else 1


async def _alert(settings: Settings, rollout: Rollout) -> None:
    """Tell a person, where the environment names an alert block."""
    if settings.alert_block is None:
        return
    from blocks.alert_block import AlertBlock
    from blocks.saved_blocks import load_block

    subject = f"{rollout.environment}: {rollout.release_id} was {WORDS[Step(rollout.step)]}"
    try:
        block = await load_block(settings.alert_block)
        if isinstance(block, AlertBlock):
            await block.notify(rollout.reason, subject)
    except NavigatorError as error:
        say(f"The alert was not sent: {error.message}", "yellow")


def _seconds(rollout: Rollout) -> float:
    ended = rollout.ended_at or rollout.updated_at
    return (ended - rollout.created_at).total_seconds()


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """How a deployment ended, for a program, with everything that the verifications found."""
    told = as_json(outcome.rollout)
    if outcome.rollout.verification is not None:
        told["verification"] = outcome.rollout.verification
    if outcome.after is not None:
        told["after_going_back"] = outcome.after.told
    return told


def as_json(rollout: Rollout) -> dict[str, Any]:
    """A rollout for a program."""
    return {
        "id": str(rollout.id),
        "environment": rollout.environment,
        "release": rollout.release_id,
        "step": rollout.step,
        "reason": rollout.reason,
        "schema_before": rollout.revision_before,
        "who": rollout.who,
        "began_at": rollout.created_at,
        "ended_at": rollout.ended_at,
        "seconds": round(_seconds(rollout), 1),
    }


def when(moment: datetime | None) -> str:
    """A time for a person, in UTC."""
    return f"{moment:%Y-%m-%d %H:%M}" if moment else ""
