"""Computes which code a process runs, so that two machines can tell whether theirs is the same."""

from __future__ import annotations

import hashlib
from functools import cache

from pipeline.child_processes import ROOT

_ROOMS = ("pipeline", "clients", "checks", "blocks", "stages", "deployments", "flows")
"""What documents go through; commands and API may differ."""


@cache
def code_version() -> str:
    """A hash of the sources, for example ``1f3a9c0e52d4``.

    The same for a checkout, a wheel and an image of the same sources. A process that lives long
    asks for it when it starts, before its sources can be replaced under it.
    """
    digest = hashlib.sha256()
    for room in _ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            digest.update(path.relative_to(ROOT).as_posix().encode())
            digest.update(b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
