"""Environments of their own, for programs whose packages do not belong into ours.

`python -m tests.environments` makes all of them, so that no test's time is spent on a download.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]


def interpreter(lock: Path) -> Path:
    """The Python of the environment that a lock describes, `.venv-NAME/` for `NAME.lock`.

    It is made when it is missing or the lock has changed; who asks meanwhile waits.
    """
    with lock.open() as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        return _made(lock, ROOT / f".venv-{lock.stem}")


def _made(lock: Path, environment: Path) -> Path:
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp, python = environment / "lock.sha256", environment / "bin" / "python"
    if stamp.is_file() and stamp.read_text() == wanted:
        return python
    shutil.rmtree(environment, ignore_errors=True)
    venv.create(environment, with_pip=False, symlinks=True)
    # Our own pip installs into it; everything is in the lock, and compiling it would take longer.
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "--quiet",
         "--disable-pip-version-check", "--no-compile", "--require-hashes", "--no-deps",
         "-r", lock],
        check=True,
    )  # fmt: skip
    stamp.write_text(wanted)
    return python


def main() -> None:
    """Make every environment that a lock under `tests/` describes."""
    for lock in sorted((ROOT / "tests").rglob("*.lock")):
        sys.stdout.write(f"{interpreter(lock).parents[1].relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
