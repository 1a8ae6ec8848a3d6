"""Finds the release whose code a home's services run, and sees when it changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deployments.environment_variables import entered
from deployments.releases.installed import current, current_file
from pipeline.child_processes import OWN_PYTHON, child_environment

Mark = tuple[int, int] | None
"""Tells one writing of the file from another; None while there is none."""


@dataclass(frozen=True, slots=True)
class Start:
    """How a service is started.

    Attributes:
        release: whose code it runs; None for this program's own.
        mark: of the file that said so.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    release: str | None
    mark: Mark


@dataclass(frozen=True, slots=True)
class ReleaseCode:
    """The code of the services of one home."""

    home: Path

    def mark(self) -> Mark:
        """Of the file now; cheap enough for every look at a service."""
        try:
            found = current_file(self.home).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino

    def start(
        self, command: Sequence[str], given: Mapping[str, str], own: Mapping[str, str]
    ) -> Start:
        """How a service is started in the release that is current now.

        Args:
            command: with this program's interpreter first.
            given: the variables of every service.
            own: of this one, on top.

        Raises:
            ConfigurationError: the release is not there, or a secret of its environment is not.
        """
        mark = self.mark()
        if (found := current(self.home)) is None:
            return Start(command, child_environment({**given, **own}), None, mark)
        release = found.release
        variables = child_environment({**entered(found.environment, given), **own})
        is_python = command[0] == OWN_PYTHON
        words = [release.python, *command[1:]] if is_python else command
        return Start(words, {**variables, **release.variables()}, release.id, mark)
