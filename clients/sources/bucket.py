"""Reads a bucket's prefix as a source: S3 and what speaks like it, Google Cloud Storage, Azure.

An object is read in the version that was listed, or not at all. Its labels are its metadata
(``x-amz-meta-…``), which a listing does not tell.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import (
    BaseError,
    InvalidPathError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)

from clients.source import Item, ObjectGone, ObjectUnreadable, SourcePlugin
from clients.storage.buckets import open_bucket
from clients.storage.object_storage import NO_BUCKET
from pipeline.errors import ConfigurationError, ServiceUnavailable
from pipeline.loopback import OWN_HOSTS
from pipeline.source_address import SourceAddress

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_PIECE = 1024 * 1024
_KEYS_AT_ONCE = 1000
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
"""Variables that name an endpoint where no option does."""
_REMEDY = "Check the source's URL, its --option and what --credentials names."


class BucketSource:
    """A prefix of a bucket.

    Args:
        store: of the prefix.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def listing(self) -> AsyncIterator[Sequence[Item]]:
        """Every object, some at a time."""
        with _listing():
            async for page in obstore.list(self._store, chunk_size=_KEYS_AT_ONCE):
                yield [_item(each) for each in page]

    async def read(self, item: Item) -> AsyncIterator[bytes]:
        """The bytes of an object, in the version that was listed."""
        tag = _tag_of(item)
        with _reading():
            options: Any = {"if_match": f'"{tag}"'} if tag else None
            answer = await obstore.get_async(self._store, item.key, options=options)
            _require_same(answer.meta, item)
            async for piece in answer.stream(min_chunk_size=_PIECE):
                yield bytes(piece)

    async def labels(self, item: Item) -> Mapping[str, str]:
        """The object's metadata, when it is still what was listed."""
        with _reading():
            answer = await obstore.get_async(self._store, item.key, options={"head": True})
            _require_same(answer.meta, item)
            return {str(k).lower(): str(v) for k, v in answer.attributes.items()}

    async def is_gone(self, key: str) -> bool:
        """Whether the bucket has nothing under this key."""
        try:
            with _reading():
                await obstore.head_async(self._store, key)
        except ObjectGone:
            return True
        except ObjectUnreadable:
            return False
        return False

    async def close(self) -> None:
        """Nothing to do: the store closes its connections by itself."""


_STRONG, _TIME = "tag:", "time:"


def _item(meta: Any) -> Item:
    changed = meta["last_modified"].isoformat()
    return Item(meta["path"], int(meta["size"]), _stamp(meta), revision=changed)


def _stamp(meta: Any) -> str:
    """An ETag, without the quotes that some listings leave out, or the second of the change.

    A weak tag may be that of other bytes. A version is told by some answers and not by others.
    """
    tag = str(meta["e_tag"] or "")
    if tag and not tag.startswith("W/"):
        return _STRONG + tag.strip('"')
    return _TIME + str(meta["last_modified"].replace(microsecond=0).isoformat())


def _tag_of(item: Item) -> str:
    """The ETag that an object had; empty when the store tells none."""
    return item.stamp.removeprefix(_STRONG) if item.stamp.startswith(_STRONG) else ""


def _require_same(meta: Any, item: Item) -> None:
    if (int(meta["size"]), _stamp(meta)) != (item.size, item.stamp):
        raise ObjectGone("It changed while it was read.")


@contextmanager
def _listing() -> Iterator[None]:
    try:
        yield
    except InvalidPathError:
        raise ConfigurationError(
            "The bucket holds an object whose name cannot be addressed: it has an empty part "
            "(//), a dot alone for one (/../) or a control character. Nothing was read.",
            remedy="Rename or remove that object, or name a prefix beside it.",
        ) from None
    except (PermissionDeniedError, UnauthenticatedError):
        raise ConfigurationError(
            "The bucket may not be listed with these credentials.", remedy=_REMEDY
        ) from None
    except (BaseError, OSError) as error:
        raise _failed(error) from None


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except PreconditionError:
        raise ObjectGone("It changed while it was read.") from None
    except (PermissionDeniedError, UnauthenticatedError):
        raise ObjectUnreadable("The bucket does not let it be read.") from None
    except (BaseError, OSError) as error:
        there = not any(said in str(error) for said in NO_BUCKET)
        missing = isinstance(error, NotFoundError | FileNotFoundError) or "NoSuchKey" in str(error)
        if there and missing:
            raise ObjectGone("It vanished while it was read.") from None
        raise _failed(error) from None


def _failed(error: Exception) -> ConfigurationError | ServiceUnavailable:
    # The store's own text quotes names and addresses; its kind is enough.
    if any(said in str(error) for said in NO_BUCKET):
        return ConfigurationError("The source's bucket does not exist.", remedy=_REMEDY)
    return ServiceUnavailable(
        f"The source's bucket does not answer as it should ({type(error).__name__}).",
        remedy="Check its endpoint, its region and its credentials; it is tried again by itself.",
    )


def open_source(address: SourceAddress, options: Mapping[str, str]) -> BucketSource:
    """The prefix; whether it answers is found when it is listed.

    Raises:
        ConfigurationError: the URL or an option cannot be used.
    """
    if address.user is not None or address.port is not None:
        raise ConfigurationError("A bucket's URL names no user and no port.", remedy=_REMEDY)
    try:
        return BucketSource(open_bucket(address.url, _encrypted(address.scheme, dict(options))))
    except ConfigurationError as error:
        raise ConfigurationError(error.message, remedy=_REMEDY) from None


def _encrypted(scheme: str, options: dict[str, str]) -> dict[str, str]:
    """The options with TLS demanded of every endpoint that is not on this machine.

    Raises:
        ConfigurationError: an endpoint speaks none.
    """
    given = {name for name in options if name in ("allow_http", "allow_invalid_certificates")}
    if given:
        raise ConfigurationError(f"The option {given.pop()!r} switches TLS off.", remedy=_REMEDY)
    named = next((os.environ[name] for name in _ENDPOINTS if os.environ.get(name)), None)
    if named is not None and scheme == "s3" and "endpoint" not in options:
        options = {**options, "endpoint": named}
    endpoints = [value for name, value in options.items() if "endpoint" in name]
    plain = [urlsplit(each) for each in endpoints if each.lower().startswith("http://")]
    if any(each.hostname not in OWN_HOSTS for each in plain):
        raise ConfigurationError(
            "The endpoint of the source is on another machine and speaks no TLS.",
            remedy="Begin it with https://.",
        )
    return {**options, "allow_http": "true"} if plain else options


PLUGIN = SourcePlugin("a prefix of a bucket", open_source)
