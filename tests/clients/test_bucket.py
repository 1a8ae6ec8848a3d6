"""Object storage in a bucket: the same promises as in a folder, over a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from clients.storage.object_storage import Storage
from clients.storage.objects import ObjectMissing, parsed_folder, parsed_key, raw_key
from pipeline.errors import ConfigurationError, StorageUnavailable
from pipeline.identity import sha256_hex, user_id
from pipeline.settings import load_settings
from stages.encryption_at_rest import storage_encryption
from tests.s3 import SIGNED, Bucket, bucket, endpoint

__all__ = ["bucket", "endpoint"]

ANNA = user_id("anna")
DIGEST = sha256_hex("content")
KEY, OTHER = raw_key(ANNA, DIGEST), raw_key(ANNA, sha256_hex("other"))


@pytest.fixture
def storage(bucket: Bucket) -> Storage:
    """An empty storage."""
    return Storage(bucket.url, bucket.options)


async def test_bytes_and_files_come_back_as_they_were(
    storage: Storage, bucket: Bucket, tmp_path: Path
) -> None:
    """Put, put again, a file, a file that is gone, several at once; all below the prefix."""
    await storage.put(KEY, b"first")
    await storage.put(KEY, b"content")
    assert await storage.get(KEY) == b"content"
    file = tmp_path / "file"
    file.write_bytes(b"\0\xff" * 1000)
    text = parsed_key(ANNA, DIGEST, "parser")
    put = await storage.put_all([(OTHER, file), (KEY + "x", tmp_path / "gone"), (text, b"{}")])
    assert put == [True, False, True]
    first, second, third = await storage.get_all([OTHER, KEY + "x", text])
    assert (first, third) == (b"\0\xff" * 1000, b"{}")
    assert isinstance(second, ObjectMissing)
    assert bucket.keys() == {KEY, OTHER, text}


async def test_what_is_larger_than_a_part_goes_and_comes_in_pieces(storage: Storage) -> None:
    """A multipart upload, and a read that is never held all at once."""

    async def pieces() -> AsyncIterator[bytes]:
        for number in range(12):
            yield bytes([number]) * 1_000_000

    await storage.put(KEY, pieces())
    assert await storage.size(KEY) == 12_000_000
    seen = [piece async for piece in storage.pieces(KEY)]
    assert max(map(len, seen)) < 12_000_000
    assert b"".join(seen) == b"".join(bytes([number]) * 1_000_000 for number in range(12))


async def test_an_interrupted_write_leaves_nothing_under_the_key(
    storage: Storage, bucket: Bucket
) -> None:
    """Whole or not at all, also when the pieces break off in a multipart upload."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(12):
            yield b"x" * 1_000_000
        raise RuntimeError("the client is gone")

    with pytest.raises(RuntimeError, match="the client is gone"):
        await storage.put(KEY, pieces())
    assert not await storage.exists(KEY)
    assert bucket.keys() == set()


async def test_moving_and_removing(storage: Storage, bucket: Bucket) -> None:
    """An object takes another key; what is not there is said to be so, or passed over."""
    await storage.put(KEY, b"content")
    await storage.move(KEY, OTHER)
    assert bucket.keys() == {OTHER}
    with pytest.raises(ObjectMissing):
        await storage.move(KEY, OTHER)
    await storage.put(parsed_key(ANNA, DIGEST, "one"), b"{}")
    await storage.put(parsed_key(ANNA, DIGEST, "two"), b"{}")
    assert await storage.delete_under(parsed_folder(ANNA, DIGEST)) == 2
    await storage.delete([KEY, OTHER])
    assert bucket.keys() == set()
    assert await storage.delete_under(f"{ANNA}/") == 0


async def test_a_signed_url_needs_no_key(storage: Storage) -> None:
    """Whoever has the URL sends or fetches this one object."""
    sending = await storage.signed_url("PUT", KEY, 60)
    assert sending is not None
    async with httpx.AsyncClient() as client:
        assert (await client.put(sending, content=b"content")).status_code == 200
    fetching = await storage.signed_url("GET", KEY, 60)
    assert fetching is not None
    async with httpx.AsyncClient() as client:
        assert (await client.get(fetching)).content == b"content"


async def test_a_missing_bucket_is_no_missing_object(endpoint: str) -> None:
    """Documents must not fail as lost because of a typing mistake in the URL."""
    bucket = Bucket(endpoint)
    storage = Storage(bucket.url, bucket.options)
    for attempt in (storage.put(KEY, b"x"), storage.get(KEY), storage.delete_under(f"{ANNA}/")):
        with pytest.raises(StorageUnavailable, match="bucket or folder does not exist"):
            await attempt


def test_an_option_that_is_none_is_named(bucket: Bucket) -> None:
    """A typing mistake is told by its name, never by its value."""
    with pytest.raises(ConfigurationError, match="has no option 'endpont'") as told:
        Storage(bucket.url, bucket.options | {"endpont": "secret"})
    assert "secret" not in str(told.value)


async def test_a_server_that_is_gone_is_unavailable(bucket: Bucket) -> None:
    """One sentence, without the address."""
    options = bucket.options | {"endpoint": "http://127.0.0.1:9", "timeout": "1s"}
    with pytest.raises(StorageUnavailable) as told:
        await Storage(bucket.url, options).put(KEY, b"x")
    assert "127.0.0.1" not in str(told.value)


async def test_whether_the_bucket_encrypts_is_read_from_an_object(
    bucket: Bucket, endpoint: str
) -> None:
    """Without default encryption it is said what to set; with it, what the bucket uses."""
    given = load_settings(storage_url=bucket.url, storage_options=bucket.options)
    encrypted, _, remedy = await storage_encryption(given)
    assert (encrypted, "default encryption" in remedy) == (False, True)
    asked = (
        "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>"
        "<SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule>"
        "</ServerSideEncryptionConfiguration>"
    )
    async with httpx.AsyncClient() as owner:
        url = f"{endpoint}/{bucket.name}?encryption"
        (await owner.put(url, content=asked, headers=SIGNED)).raise_for_status()
    assert await storage_encryption(given) == (
        True, "the bucket encrypts what is stored (AES256)", "",
    )  # fmt: skip
    assert bucket.keys() == set(), "the trial is removed"
