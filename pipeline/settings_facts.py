"""Tells settings without telling secrets: each as text, a secret as a keyed hash."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic import SecretStr

from pipeline.redaction import Redaction
from pipeline.settings import Settings

HASH = "hash "
"""Begins what is told of a secret."""
UNSET = "not set"
_HEX = 16
_REDACTION = Redaction()


def settings_facts(settings: Settings, installation: UUID) -> dict[str, str]:
    """Every setting by its name.

    The same secret has the same hash within an installation, and another one in any other: who
    reads it learns whether two processes have the same secret, and no more.

    Args:
        installation: the database's id, which is the key.
    """
    return {
        name: _told(name, getattr(settings, name), installation.bytes)
        for name in type(settings).model_fields
    }


def hashed(value: str, installation: UUID) -> str:
    """A secret as a keyed hash."""
    return _hashed(value, installation.bytes)


def is_secret(name: str) -> bool:
    """Whether a setting's value is told to nobody."""
    field = Settings.model_fields[name]
    return "SecretStr" in str(field.annotation) or name.endswith("_options")


def _told(name: str, value: Any, key: bytes) -> str:
    if value is None or (is_secret(name) and not value):
        return UNSET
    if isinstance(value, SecretStr):
        return _hashed(value.get_secret_value(), key)
    if is_secret(name):
        return _hashed(_text(value), key)
    return _REDACTION.text(_text(value))  # an address may have a password in it


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return json.dumps(dict(value), sort_keys=True)
    return str(value)


def _hashed(value: str, key: bytes) -> str:
    return HASH + hmac.new(key, value.encode(), hashlib.sha256).hexdigest()[:_HEX]
