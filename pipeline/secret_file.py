"""Creates a secret file of the home folder once, with mode 0600 from its first moment."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

BYTES = 48
"""Random bytes of a secret that is made here."""


def new_secret() -> str:
    """A random secret of letters, digits, ``-`` and ``_``."""
    return secrets.token_urlsafe(BYTES)


def kept_secret(path: Path, prefix: str = "") -> str:
    """The secret in a file; one is made when there is none.

    Args:
        prefix: what a new one begins with.

    Raises:
        OSError: the file cannot be read or made.
    """
    with suppress(FileNotFoundError):
        return path.read_text("ascii").strip()
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written aside and linked into place: two first starts agree on one secret, and nobody
    # ever reads half of it.
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(file, "w") as opened:
            opened.write(prefix + new_secret())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    return path.read_text("ascii")
