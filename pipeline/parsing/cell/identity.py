"""A user of its own for a worker that root started: it owns nothing and nobody else is it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from pipeline.parsing.cell import kernel

_FIRST_ID = 1_900_000_000
"""Above all ids that systems and containers give out; the process id is added."""

_NOBODY = 65534
_READ_ANY_FILE = 1 << 2  # CAP_DAC_READ_SEARCH


def take_own_user(scratch: Path | None, *, reads_any_file: bool) -> int | None:
    """Become a user that no other process is, without groups and capabilities.

    Args:
        scratch: a folder that is to be this user's.
        reads_any_file: keep the right to read what belongs to others; for installations in
            closed folders, and only behind Landlock.

    Returns:
        The user's id; None when this process may not change it.
    """
    if not hasattr(os, "setresuid") or os.geteuid() != 0:
        return None
    for user in (_FIRST_ID + os.getpid(), _NOBODY):
        with suppress(OSError):
            _become(user, scratch, _READ_ANY_FILE if reads_any_file else 0)
            return user
    return None


def is_own(user: int) -> bool:
    """Whether no other process can be this user."""
    return user != _NOBODY


def _become(user: int, scratch: Path | None, capabilities: int) -> None:
    if scratch is not None:
        os.chown(scratch, user, user)
    kernel.set_process(kernel.KEEP_CAPABILITIES, 1 if capabilities else 0)
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    kernel.keep_capabilities_only(capabilities)
