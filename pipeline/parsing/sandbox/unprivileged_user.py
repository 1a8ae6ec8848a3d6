"""Gives a worker that root started an unprivileged user of its own."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from pipeline.parsing.sandbox import system_calls

_FIRST_ID = 1_900_000_000
"""Above all ids that systems and containers give out; the process id is added."""

_NOBODY = 65534
_READ_ANY_FILE = 1 << 2  # CAP_DAC_READ_SEARCH


def take_own_user(scratch: Path | None, *, reads_any_file: bool) -> int | None:
    """Become a user that no other process is, without groups.

    Args:
        scratch: a folder that is to be this user's.
        reads_any_file: as for `give_up_capabilities`, which is to be called next.

    Returns:
        The user's id; None when this process may not change it.
    """
    if not hasattr(os, "setresuid") or os.geteuid() != 0:
        return None
    for user in (_FIRST_ID + os.getpid(), _NOBODY):
        with suppress(OSError):
            _become(user, scratch, keeps_capabilities=reads_any_file)
            return user
    return None


def is_own(user: int) -> bool:
    """Whether no other process can be this user."""
    return user != _NOBODY


def give_up_capabilities(*, reads_any_file: bool) -> None:
    """Give up what root may do beyond its own files; for whoever has it, root or not.

    Args:
        reads_any_file: keep the right to read what belongs to others, where this process has it;
            for installations in closed folders, and only behind Landlock.
    """
    with suppress(OSError):
        system_calls.keep_capabilities_only(_READ_ANY_FILE if reads_any_file else 0)


def _become(user: int, scratch: Path | None, *, keeps_capabilities: bool) -> None:
    if scratch is not None:
        os.chown(scratch, user, user)
    system_calls.set_process(system_calls.KEEP_CAPABILITIES, int(keeps_capabilities))
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
