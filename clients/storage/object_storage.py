"""Stores objects through obstore: a local folder by default, S3, GCS or Azure by URL."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from urllib.request import url2pathname

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import AzureStore, GCSStore, LocalStore, ObjectStore, S3Store

from clients.storage.buckets import open_bucket
from clients.storage.local_folder import RealFolder
from clients.storage.objects import ObjectMissing
from pipeline.concurrency import gather_bounded
from pipeline.errors import ConfigurationError, StorageUnavailable
from pipeline.full_disk import full_disk, says_full, tells_full
from pipeline.private_files import keep_private

_PIECE = 1024 * 1024
_AT_ONCE = 64
_KEYS_AT_ONCE = 1000
NO_BUCKET = ("NoSuchBucket", "ContainerNotFound", "The specified bucket does not exist")
"""By what S3, Azure and GCS say that there is no such bucket."""
_NO_PLACE = "The storage's bucket or folder does not exist."


class Storage:
    """One place for objects. Safe to use from several tasks at once.

    Args:
        url: ``file:///folder``, ``s3://bucket/prefix``, ``gs://…``, ``az://…``, ``memory:///``.
        options: of the store, such as keys and endpoint; never logged.
    """

    def __init__(self, url: str, options: Mapping[str, str] | None = None) -> None:
        self._folder: RealFolder | None = None
        self._store = self._open(url, dict(options or {}))

    def _open(self, url: str, options: dict[str, str]) -> ObjectStore:
        if url.startswith("file:"):
            folder = Path(url2pathname(urlsplit(url).path))
            self._folder = RealFolder(folder)
            keep_private()  # the store makes files as the process's umask says
            try:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                return LocalStore(folder, automatic_cleanup=True)
            except (OSError, BaseError) as error:
                raise ConfigurationError(
                    f"The storage folder {folder} cannot be used ({type(error).__name__}).",
                    remedy="Set NAVIGATOR_STORAGE_URL to a folder that you may write to.",
                ) from None
        return open_bucket(url, options)

    async def put(self, key: str, data: bytes | Path | AsyncIterator[bytes]) -> None:
        """Store bytes whole: a reader sees all of them or nothing.

        Args:
            data: in one piece, or as a file or in pieces that are never held all at once; an error
                that the pieces raise comes out unchanged, and nothing is stored.

        Raises:
            StorageUnavailable: there is no room, or the storage does not answer.
        """
        try:
            with self._reaching(key):
                await obstore.put_async(self._store, key, data)
        except ObjectMissing:
            raise StorageUnavailable(_NO_PLACE) from None

    async def put_all(self, objects: Sequence[tuple[str, bytes | Path]]) -> list[bool]:
        """Store several objects, each whole: bytes, or files without holding them in memory.

        Returns:
            Of each, in order, whether it was there to be stored: false for a file that is gone.

        Raises:
            StorageUnavailable: there is no room, or the storage does not answer; some of the
                objects may be stored.
        """
        if self._folder is not None:
            # In one thread: a visit to it for each would cost several times what the object does.
            return await asyncio.to_thread(lambda: [self._put_here(*each) for each in objects])
        return await gather_bounded(_AT_ONCE, (self._put_there(*each) for each in objects))

    def _put_here(self, key: str, data: bytes | Path) -> bool:
        try:
            with self._reaching(key):
                obstore.put(self._store, key, data)
        except (ObjectMissing, StorageUnavailable):
            if not _is_gone(data):
                raise
            return False
        return True

    async def _put_there(self, key: str, data: bytes | Path) -> bool:
        try:
            await self.put(key, data)
        except (ObjectMissing, StorageUnavailable):
            if not await asyncio.to_thread(_is_gone, data):
                raise
            return False
        return True

    async def move(self, key: str, target: str) -> None:
        """Give an object another key; what was under that is replaced.

        Raises:
            ObjectMissing: there is nothing under the first key.
            StorageUnavailable: the storage does not answer.
        """
        with self._reaching(target, key):
            await obstore.rename_async(self._store, key, target)

    async def get(self, key: str) -> bytes:
        """The bytes under a key.

        Raises:
            ObjectMissing: there is nothing under it.
            StorageUnavailable: the storage does not answer.
        """
        with self._reaching(key):
            answer = await obstore.get_async(self._store, key)
            return bytes(await answer.bytes_async())

    async def get_all(self, keys: Sequence[str]) -> list[bytes | ObjectMissing]:
        """The bytes under each key, or the error that there are none.

        Raises:
            StorageUnavailable: the storage does not answer.
        """
        if self._folder is not None:
            return await asyncio.to_thread(lambda: [self._get_here(key) for key in keys])
        return await gather_bounded(_AT_ONCE, (self._get_there(key) for key in keys))

    def _get_here(self, key: str) -> bytes | ObjectMissing:
        try:
            with self._reaching(key):
                return bytes(obstore.get(self._store, key).bytes())
        except ObjectMissing as error:
            return error

    async def _get_there(self, key: str) -> bytes | ObjectMissing:
        try:
            return await self.get(key)
        except ObjectMissing as error:
            return error

    async def pieces(self, key: str) -> AsyncIterator[bytes]:
        """The bytes under a key, about a mebibyte at a time.

        Raises:
            ObjectMissing: there is nothing under it.
            StorageUnavailable: the storage does not answer.
        """
        with self._reaching(key):
            answer = await obstore.get_async(self._store, key)
            async for piece in answer.stream(min_chunk_size=_PIECE):
                yield bytes(piece)

    async def size(self, key: str) -> int | None:
        """How many bytes are under a key; None when there is no object."""
        try:
            with self._reaching(key):
                return int((await obstore.head_async(self._store, key))["size"])
        except ObjectMissing:
            return None

    async def exists(self, key: str) -> bool:
        """Whether there is an object under a key."""
        return await self.size(key) is not None

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove objects that nobody is writing; what is not there is passed over."""
        for key in keys:
            with suppress(ObjectMissing), self._reaching(key):
                if self._folder is not None:
                    self._folder.remove_unfinished(key)
                await obstore.delete_async(self._store, key)

    async def delete_under(self, prefix: str) -> int:
        """Remove every object whose key begins so; how many there were.

        Args:
            prefix: whole parts of a key, ending in a slash.
        """
        with self._reaching(prefix.rstrip("/")):
            keys = [
                each["path"] async for page in obstore.list(self._store, prefix) for each in page
            ]
            if self._folder is not None:
                await asyncio.to_thread(self._folder.remove_unfinished_under, prefix)
        await self.delete(keys)
        return len(keys)

    async def listing(self) -> AsyncGenerator[list[str], None]:
        """The keys of all objects, some thousand at a time, in no order.

        Raises:
            StorageUnavailable: the storage does not answer.
        """
        with self._reaching():
            async for page in obstore.list(self._store, chunk_size=_KEYS_AT_ONCE):
                yield [each["path"] for each in page]

    async def signed_url(
        self, method: Literal["GET", "PUT", "HEAD"], key: str, seconds: int
    ) -> str | None:
        """A URL of the storage itself for one object; None when it has none, as a folder has."""
        if not isinstance(self._store, S3Store | GCSStore | AzureStore):
            return None
        with self._reaching(key):
            life = timedelta(seconds=seconds)
            return str(await obstore.sign_async(self._store, method, key, life))

    @contextmanager
    def _reaching(self, *keys: str) -> Iterator[None]:
        """Errors of the store as ours, while objects are reached."""
        if self._folder is not None:
            for key in keys:
                self._folder.refuse_links(key)
        try:
            yield
        except (BaseError, OSError) as error:
            if any(said in str(error) for said in NO_BUCKET):
                raise StorageUnavailable(_NO_PLACE) from None
            if isinstance(error, NotFoundError | FileNotFoundError) or "NoSuchKey" in str(error):
                raise ObjectMissing("A stored object is missing.") from None
            raise self._unavailable(error) from None

    def _unavailable(self, error: Exception) -> StorageUnavailable:
        if says_full(error) or tells_full(str(error)):
            return full_disk(self._folder.path if self._folder else "the object storage")
        # The store's own text quotes paths and addresses; its kind and the system's reason are
        # enough.
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else ""
        return StorageUnavailable(f"The object storage failed ({reason or type(error).__name__}).")


def _is_gone(data: bytes | Path) -> bool:
    return isinstance(data, Path) and not data.is_file()
