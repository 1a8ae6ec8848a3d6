"""Creates private files: folders 0700 and files 0600 from their first moment.

The process's umask does it, so that libraries which make files (the object store, SQLite, log
rotation) need not be asked one by one; nothing is made wider first and closed afterwards.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from pipeline.errors import ConfigurationError

PRIVATE_UMASK = 0o077
OTHERS = stat.S_IRWXG | stat.S_IRWXO
"""What neither the group nor anybody else may do with what is ours."""

_OPEN_IT = "`navigator doctor --fix` closes it, or set NAVIGATOR_HOME to a folder of your own."


def keep_private() -> None:
    """Let this process and its children make files for their owner alone."""
    os.umask(PRIVATE_UMASK)


def open_home(home: Path) -> None:
    """Make the home folder when it is missing, and keep what this process makes private.

    Raises:
        ConfigurationError: it cannot be made, belongs to somebody else, or others may write in it.
    """
    keep_private()
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = home.stat()
    except OSError as error:
        raise ConfigurationError(
            f"The folder {home} cannot be made ({error.strerror}).",
            remedy="Set NAVIGATOR_HOME to a folder that you may write to.",
        ) from None
    if (reason := objection(found)) is not None:
        raise ConfigurationError(f"The home folder {home} {reason}.", remedy=remedy(found))


def objection(found: os.stat_result) -> str | None:
    """Why a folder is not safe as a home, to follow its name; None when it is."""
    if found.st_uid != os.geteuid():
        return f"belongs to {account(found.st_uid)}, not to {account(os.geteuid())}"
    if found.st_mode & stat.S_IWOTH:
        return f"can be written by everybody (mode {mode(found)})"
    if found.st_mode & stat.S_IWGRP and not _is_only_ours(found.st_gid):
        return f"can be written by the group {_group(found.st_gid)} (mode {mode(found)})"
    return None


def remedy(found: os.stat_result) -> str:
    """What to do about an objection."""
    if found.st_uid != os.geteuid():
        owner = account(found.st_uid)
        return f"Run this as {owner}, or set NAVIGATOR_HOME to a folder of your own."
    return _OPEN_IT


def mode(found: os.stat_result) -> str:
    """The permissions as ``0755``."""
    return f"{stat.S_IMODE(found.st_mode):04o}"


def account(uid: int) -> str:
    """The name of an account, or its number."""
    with suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return f"the account {uid}"


def write_private(path: Path, content: bytes) -> None:
    """Write a file whole that only its owner may read, in the place of one with its name.

    Raises:
        OSError: it cannot be written there.
    """
    if path.exists() and not path.is_file():  # a device or a pipe
        path.write_bytes(content)
        return
    target = path.resolve()
    file, draft = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.")
    try:
        with os.fdopen(file, "wb") as out:
            out.write(content)
        Path(draft).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(draft).unlink()
        raise


def _is_only_ours(gid: int) -> bool:
    """Whether a group is the one of this account alone, which many systems make for each."""
    try:
        us, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(gid)
    except KeyError:
        return False
    alone = set(group.gr_mem) <= {us.pw_name}
    return alone and us.pw_gid == gid and group.gr_name == us.pw_name


def _group(gid: int) -> str:
    with suppress(KeyError):
        return grp.getgrgid(gid).gr_name
    return str(gid)
