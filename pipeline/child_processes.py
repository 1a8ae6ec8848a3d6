"""Starts child processes that run this installation's code, and none of the current folder.

`python -m` puts the current folder first on the module search path, so an `app.py` or `secrets.py`
beside somebody's documents would run; an empty or relative entry of PATH does the same for
programs.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from pipeline.loopback import direct_loopback

ROOT = Path(__file__).resolve().parents[1]
"""Where this program's packages lie: a checkout, an image, or site-packages."""

NEUTRAL_FOLDER = "/"
"""A working folder from which nothing is read: only the machine's owner can put a file there."""

OWN_PYTHON = sys.executable
"""The interpreter of this process, first in every command of `module_command`."""

CHILD = "NAVIGATOR_CHILD"
"""Set for our own children: what a person is to be told once was told by their parent."""

# Lists of folders in which an empty entry means the current folder.
_SEARCH_PATHS = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
# Frames that command lines draw around what they say.
_DRAWN = " │╭╰─╮╯\n"


def module_command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of this installation.

    Start it with `child_environment`, which says where the module is and holds for grandchildren.
    """
    return [sys.executable, "-P", "-m", module, *arguments]


def child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment in which a child and its children find this installation's code only.

    Absolute entries of a person's own PYTHONPATH are kept, after ours.
    """
    ours = {**safe_search_paths(environment), **direct_loopback(environment), CHILD: "1"}
    made = {**environment, **ours}
    if not _is_installed():
        theirs = made.get("PYTHONPATH", "").split(os.pathsep)
        made["PYTHONPATH"] = os.pathsep.join(dict.fromkeys([str(ROOT), *filter(None, theirs)]))
    return made


def safe_search_paths(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that say where programs and modules are found, without the current folder."""
    cleaned = {
        name: absolute_entries(environment[name]) for name in _SEARCH_PATHS if name in environment
    }
    return {**cleaned, "PYTHONSAFEPATH": "1"}


def absolute_entries(search_path: str) -> str:
    """A list of folders without the empty and the relative ones."""
    entries = search_path.split(os.pathsep)
    return os.pathsep.join(entry for entry in entries if os.path.isabs(entry))  # noqa: PTH117


def _is_installed() -> bool:
    return str(ROOT) in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))


def how_it_ended(code: int) -> str:
    """How a process ended, by its return code: by which signal, or with what code."""
    return f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


def last_words(code: int, *outputs: str) -> str:
    """The last line that a process wrote; how it ended when it wrote nothing or was killed.

    Args:
        outputs: what it wrote, where to look first.
    """
    said = map(last_line, outputs if code >= 0 else ())
    return next(filter(None, said), how_it_ended(code))


def last_line(output: str) -> str:
    """The last line that says something, without a frame; empty when none does."""
    lines = [line for line in output.splitlines() if line.strip(_DRAWN)]
    return lines[-1].strip(_DRAWN) if lines else ""


def die_with_parent(by: signal.Signals = signal.SIGTERM) -> None:
    """Have the kernel end this child when its parent is killed; between fork and exec, on Linux."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, by)  # PR_SET_PDEATHSIG
