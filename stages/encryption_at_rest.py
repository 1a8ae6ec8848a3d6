"""Checks whether what is stored is encrypted, as far as that can be seen from here.

An object that was just written tells it in its headers. The disk of Postgres, or of a folder, is
its machine's: nothing that a client can ask says how it is kept, and that is said.
"""

from __future__ import annotations

from contextlib import suppress
from uuid import uuid4

import httpx

from clients.network.certificates import trusted_certificates
from pipeline.errors import NavigatorError, StorageUnavailable
from pipeline.settings import Settings

_SECONDS = 10.0
_HEADERS = {
    "x-amz-server-side-encryption": "the bucket encrypts what is stored ({value})",
    "x-ms-server-encrypted": "the container encrypts what is stored",
    "x-goog-storage-class": "Google encrypts what is stored",
}
_BUCKET = (
    "Set default encryption for the bucket (for S3: PutBucketEncryption with AES256 or aws:kms)."
)
_DISK = "Keep {what} on an encrypted disk (LUKS, or the provider's encrypted volumes)."


async def storage_encryption(settings: Settings) -> tuple[bool, str, str]:
    """Whether stored files are encrypted, that in words, and what to do.

    Writes one small object, asks for its headers, and removes it.

    Raises:
        NavigatorError: the storage cannot be used.
    """
    from stages.services import open_storage

    storage, key = await open_storage(settings), f"doctor/{uuid4()}"
    await storage.put(key, b"trial")
    try:
        url = await storage.signed_url("HEAD", key, 60)
        if url is None:
            disk = "a folder: whether its disk is encrypted cannot be seen from here"
            return False, disk, _DISK.format(what="the folder")
        headers = await _headers(url)
    finally:
        with suppress(NavigatorError):
            await storage.delete([key])
    for name, words in _HEADERS.items():
        if (value := headers.get(name, "")) and value.lower() != "false":
            return True, words.format(value=value), ""
    return False, "the storage does not say that it encrypts what is stored", _BUCKET


async def _headers(url: str) -> httpx.Headers:
    try:
        async with httpx.AsyncClient(timeout=_SECONDS, verify=trusted_certificates()) as client:
            answer = await client.head(url)
    except httpx.HTTPError as error:
        raise StorageUnavailable(
            f"The storage did not say how it keeps an object ({type(error).__name__})."
        ) from None
    if not answer.is_success:
        raise StorageUnavailable(
            f"The storage did not say how it keeps an object (HTTP {answer.status_code})."
        )
    return answer.headers


def database_encryption(settings: Settings) -> tuple[str, str]:
    """What can be said of the database's disk, and what to do."""
    what = "that of the embedded one" if settings.database_url is None else "its server"
    return (
        f"whether the disk of Postgres is encrypted cannot be seen from a connection ({what} "
        "has to be looked at)",
        _DISK.format(what="Postgres's data and its backups"),
    )
