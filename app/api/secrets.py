"""Secrets of the API: given in the settings, or made once and kept in the home folder."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from pipeline.errors import ConfigurationError
from pipeline.private_files import open_home
from pipeline.settings import Settings


def jwt_secret(settings: Settings) -> str:
    """The secret that signs tokens; without one in the settings, this home folder's own.

    Raises:
        ConfigurationError: the home folder cannot be written.
    """
    if settings.jwt_secret is not None:
        return settings.jwt_secret.get_secret_value()
    return _kept(settings.home / "api-secret")


def signing_key(settings: Settings) -> bytes:
    """The key that signs URLs; never the secret of tokens itself."""
    if settings.signing_secret is not None:
        secret = settings.signing_secret.get_secret_value()
    else:
        secret = jwt_secret(settings)
    return hmac.digest(secret.encode(), b"signed urls", hashlib.sha256)


def _kept(path: Path) -> str:
    try:
        with suppress(FileNotFoundError):
            return path.read_text("ascii")
        open_home(path.parent)
        # Written aside and linked into place: two first starts agree on one secret, and nobody
        # ever reads half of it.
        draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w") as opened:
            opened.write(secrets.token_urlsafe(48))
        try:
            with suppress(FileExistsError):
                os.link(draft, path)
        finally:
            draft.unlink()
        return path.read_text("ascii")
    except OSError as error:
        raise ConfigurationError(
            f"The API's secret cannot be kept in NAVIGATOR_HOME ({os.strerror(error.errno or 0)}).",
            remedy="Set NAVIGATOR_JWT_SECRET, or NAVIGATOR_HOME to a folder that you may write to.",
        ) from None
