"""Storage quotas of users: used, allowed, and the sentence when one is reached."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pipeline.errors import PermanentError


class StorageQuotaReached(PermanentError):
    """A file does not fit into what its user may store.

    Args:
        used: bytes. allowed: bytes.
    """

    code = "storage_quota_reached"
    remedy = (
        "Delete documents that are not needed any more, or ask whoever runs this to raise "
        "NAVIGATOR_USER_QUOTA_BYTES."
    )

    def __init__(self, message: str, *, used: int, allowed: int) -> None:
        super().__init__(message)
        self.used, self.allowed = used, allowed


@dataclass(frozen=True, slots=True)
class StorageUse:
    """How much a user stores.

    Attributes:
        used: bytes of the files that are stored, each content once, and of the uploads announced.
        allowed: bytes; 0 for no limit.
    """

    used: int
    allowed: int

    def with_more(self, size: int) -> StorageUse:
        """The use with another file."""
        return replace(self, used=self.used + size)

    def has_room(self, size: int) -> bool:
        """Whether another file of so many bytes fits."""
        return not self.allowed or size <= 0 or self.used + size <= self.allowed

    @property
    def left(self) -> int | None:
        """Bytes that may still come; None without a limit."""
        return max(0, self.allowed - self.used) if self.allowed else None

    def require_room(self, size: int) -> None:
        """Make sure that another file fits.

        Raises:
            StorageQuotaReached: it does not.
        """
        if not self.has_room(size):
            raise self.refusal()

    def refusal(self) -> StorageQuotaReached:
        """What is said of a file that does not fit."""
        return StorageQuotaReached(
            f"The file does not fit into the storage quota: {size_words(self.used)} of "
            f"{size_words(self.allowed)} are used.",
            used=self.used,
            allowed=self.allowed,
        )


def size_words(size: int) -> str:
    """A number of bytes as people say it: ``512 bytes``, ``1.5 MB``."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:,.1f} {unit}"
    return f"{size:,} bytes"
