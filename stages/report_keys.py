"""Keeps the installation's keys that sign quality reports (Ed25519), the newest first.

A key is made from a secret: of NAVIGATOR_REPORT_KEYS, else of the file `report-key` in the home
folder, which is made when it is missing. Both hold secrets by blanks or lines: the first signs, the
others are of before and only verify. A key that is no longer trusted to sign may stand as
``public:…``, which only verifies.
"""

from __future__ import annotations

import base64
import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import ConfigurationError
from pipeline.private_files import open_home, write_private
from pipeline.secret_file import kept_secret, new_secret
from pipeline.settings import Settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FILE = "report-key"
_PUBLIC = "public:"


@dataclass(frozen=True)
class ReportKeys:
    """The keys of this installation.

    Attributes:
        public: the raw public key (32 bytes) of each, by its fingerprint.
        signing: the fingerprint of the one that signs.
    """

    public: dict[str, bytes]
    signing: str
    _secret: Ed25519PrivateKey

    def sign(self, message: bytes) -> str:
        """The signature of a message, as base64."""
        return base64.b64encode(self._secret.sign(message)).decode()

    def verifies(self, fingerprint: str, message: bytes, signature: str) -> bool:
        """Whether a message was signed by the key of this fingerprint, one of ours."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        key = Ed25519PublicKey.from_public_bytes(self.public[fingerprint])
        try:
            key.verify(base64.b64decode(signature, validate=True), message)
        except (InvalidSignature, ValueError):
            return False
        return True


def report_keys(settings: Settings) -> ReportKeys:
    """The keys that the settings give, or the home folder's own.

    Raises:
        ConfigurationError: the file cannot be kept, or holds something else.
    """
    if settings.report_keys is not None:
        return keys_of(settings.report_keys.get_secret_value(), "NAVIGATOR_REPORT_KEYS")
    path = settings.home / FILE
    try:
        open_home(settings.home)
        return keys_of(kept_secret(path), f"The file {path}")
    except OSError as error:
        raise ConfigurationError(
            f"The key that signs reports cannot be kept in NAVIGATOR_HOME "
            f"({os.strerror(error.errno or 0)}).",
            remedy="Set NAVIGATOR_REPORT_KEYS, or NAVIGATOR_HOME to a folder that you may write "
            "to.",
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError(
            f"The file {path} holds something else than secrets.",
            remedy="Put the file of a backup in its place, or set NAVIGATOR_REPORT_KEYS.",
        ) from None


def keys_of(secrets: str, where: str) -> ReportKeys:
    """Keys from secrets by blanks, the one that signs first.

    Raises:
        ConfigurationError: none signs, or one is too short to be a secret.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    public: dict[str, bytes] = {}
    signing: Ed25519PrivateKey | None = None
    for each in secrets.split():
        if each.startswith(_PUBLIC):
            raw = _public_key(each.removeprefix(_PUBLIC), where)
        else:
            if len(each) < 32:
                raise ConfigurationError(
                    f"{where} holds a secret of fewer than 32 characters.",
                    remedy="Make one with `openssl rand -base64 48`.",
                )
            seed = hashlib.sha256(b"report key\x1f" + each.encode()).digest()
            key = Ed25519PrivateKey.from_private_bytes(seed)
            raw = key.public_key().public_bytes_raw()
            signing = signing or key
        public.setdefault(fingerprint_of(raw), raw)
    if signing is None:
        raise ConfigurationError(
            f"{where} holds no secret that could sign a report.",
            remedy="Put one before the public keys, or run `navigator report rotate-key`.",
        )
    return ReportKeys(public, fingerprint_of(signing.public_key().public_bytes_raw()), signing)


def rotate(settings: Settings) -> ReportKeys:
    """Make a new key in the home folder; of the one that signed until now the public part stays.

    Raises:
        ConfigurationError: the keys are in the settings, where only who keeps these changes them.
    """
    if settings.report_keys is not None:
        raise ConfigurationError(
            "The key that signs reports comes from NAVIGATOR_REPORT_KEYS.",
            remedy="Put a new secret before the others there; the others still verify.",
        )
    old = report_keys(settings)
    kept = [f"{_PUBLIC}{base64.b64encode(raw).decode()}" for raw in old.public.values()]
    write_private(settings.home / FILE, "\n".join([new_secret(), *kept]).encode() + b"\n")
    return report_keys(settings)


def fingerprint_of(public: bytes) -> str:
    """The name of a key: the beginning of the SHA-256 of its public part."""
    return hashlib.sha256(public).hexdigest()[:16]


def _public_key(text: str, where: str) -> bytes:
    with suppress(ValueError):
        raw = base64.b64decode(text, validate=True)
        if len(raw) == 32:
            return raw
    raise ConfigurationError(
        f"{where} holds a public key that is none.",
        remedy="Write it as `navigator report rotate-key` did: public:, then 32 bytes as base64.",
    )
