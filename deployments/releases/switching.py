"""Changes API and workers to another release by a command that the environment names."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Sequence

from deployments.environment import Environment
from deployments.releases.installed import InstalledRelease
from pipeline.child_processes import last_words
from pipeline.errors import ConfigurationError, ServiceUnavailable

SWITCH_SECONDS = 900.0


class CommandServices:
    """API and workers of an orchestrator, changed by a command.

    Args:
        command: its words; {release}, {image} and {environment} in them are replaced.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command

    async def require(self) -> None:
        """Nothing is asked before: the command says itself what it lacks."""

    async def switch(self, release: InstalledRelease | None, environment: Environment) -> None:
        """Run the command, which has to return when the release runs.

        Raises:
            ConfigurationError: there is no release to go to, or no such program.
            ServiceUnavailable: it fails, or takes too long.
        """
        if release is None:
            raise ConfigurationError(
                f"No release was verified in {environment.name} before, to which its services "
                "could go back.",
                remedy="Change them by hand, or deploy a release that can be verified.",
            )
        words = [_filled(each, release, environment) for each in self._command]
        try:
            done = await asyncio.to_thread(
                subprocess.run, words, capture_output=True, text=True, timeout=SWITCH_SECONDS,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except OSError as error:
            raise ConfigurationError(
                f"The command {words[0]} cannot be run ({error.strerror}).",
                remedy="Correct `services` of the environment.",
            ) from None
        except subprocess.TimeoutExpired:
            raise ServiceUnavailable(
                f"The command {words[0]} has not ended in {SWITCH_SECONDS:.0f} s.",
                remedy="Look what it waits for.",
            ) from None
        if done.returncode != 0:
            raise ServiceUnavailable(
                f"The command {words[0]} failed: {last_words(done.returncode, done.stderr)}",
                remedy="Look what it says when it is run by hand.",
            )


def _filled(word: str, release: InstalledRelease, environment: Environment) -> str:
    known = {
        "{release}": release.id,
        "{image}": release.image or "",
        "{environment}": environment.name,
    }
    for name, value in known.items():
        word = word.replace(name, value)
    return word
