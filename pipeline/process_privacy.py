"""Hides a process's memory and environment from other processes of the same user."""

from __future__ import annotations

import ctypes
import sys

_PR_SET_DUMPABLE = 4


def hide_this_process() -> None:
    """Close this process's memory and environment in /proc, and to debuggers, and leave no core.

    A program that a hostile file has taken over may run as the same user. Root is not kept out,
    and programs that this process starts are not hidden. Does nothing where the kernel cannot.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
