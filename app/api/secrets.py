"""Provides the API's secrets: from the settings, or made once and kept in the home folder."""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path

from deployments.alert_webhook import alerts_key
from pipeline.errors import ConfigurationError
from pipeline.private_files import open_home
from pipeline.secret_file import kept_secret
from pipeline.settings import Settings


def jwt_secret(settings: Settings) -> str:
    """The secret that signs tokens; without one in the settings, this home folder's own.

    Raises:
        ConfigurationError: the home folder cannot be written.
    """
    if settings.jwt_secret is not None:
        return settings.jwt_secret.get_secret_value()
    return _kept(settings.home / "api-secret")


def alert_key(settings: Settings) -> str:
    """The key of the webhook by which Prefect's automations raise alerts, and do nothing else."""
    return alerts_key(signing_secret(settings))


def same(given: str, right: str) -> bool:
    """Whether a secret is the right one; how long it takes tells nothing."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), right.encode())


def signing_secret(settings: Settings) -> str:
    """What other keys are derived from."""
    if settings.signing_secret is not None:
        return settings.signing_secret.get_secret_value()
    return jwt_secret(settings)


def signing_key(settings: Settings) -> bytes:
    """The key that signs URLs; never the secret of tokens itself."""
    return hmac.digest(signing_secret(settings).encode(), b"signed urls", hashlib.sha256)


def _kept(path: Path) -> str:
    try:
        open_home(path.parent)
        return kept_secret(path)
    except OSError as error:
        raise ConfigurationError(
            f"The API's secret cannot be kept in NAVIGATOR_HOME ({os.strerror(error.errno or 0)}).",
            remedy="Set NAVIGATOR_JWT_SECRET, or NAVIGATOR_HOME to a folder that you may write to.",
        ) from None
