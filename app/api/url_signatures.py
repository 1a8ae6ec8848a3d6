"""Signs and verifies our own URLs (HMAC): one method, one path, an expiry."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from datetime import UTC, datetime

from app.api.problems import Forbidden


class UrlSigner:
    """Signs addresses and checks them.

    Args:
        key: secret.
        clock: seconds since the epoch.
    """

    def __init__(self, key: bytes, clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._clock = clock

    def query(self, method: str, path: str, seconds: float) -> tuple[str, datetime]:
        """What stands behind the `?` of a signed URL, and until when it is good.

        Args:
            path: as it stands in the URL, without host.
        """
        expires = int(self._clock() + seconds)
        query = f"expires={expires}&signature={self._signature(method, path, expires)}"
        return query, datetime.fromtimestamp(expires, UTC)

    def check(self, method: str, path: str, expires: int, signature: str) -> None:
        """Make sure that a URL is ours and still good.

        Raises:
            Forbidden: it is not.
        """
        right = self._signature(method, path, expires)
        if not hmac.compare_digest(right.encode(), signature.encode("utf-8", "replace")):
            raise Forbidden(
                "The signature of this link is wrong.", remedy="Ask for a new link.",
                code="wrong_signature",
            )  # fmt: skip
        if expires < self._clock():
            raise Forbidden(
                "This link has expired.", remedy="Ask for a new link.", code="link_expired"
            )

    def _signature(self, method: str, path: str, expires: int) -> str:
        message = f"{method}\n{path}\n{expires}".encode()
        digest = hmac.digest(self._key, message, hashlib.sha256)
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
