"""Parses the address of a source: the prefix of a bucket, a mailbox or a folder; never a secret.

The names of objects come from whoever may write to the source. As a document's source each becomes
the address with its name behind it, in which nothing can be mistaken: a ``#`` is not the border to
what lies in an archive, and no character is invisible.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from pipeline.errors import UsageError
from pipeline.sources import storable

FOLDER = "file"
"""The scheme of a folder of this machine."""

_URL = re.compile(r"\A[a-z][a-z0-9+.-]*+://", re.IGNORECASE)
_ESCAPED = frozenset("#%?\\")


def is_url(path: str) -> bool:
    """Whether what a person gave is the URL of a source, and no path."""
    return bool(_URL.match(path))


def split_paths(given: Iterable[str]) -> tuple[list[str], list[str]]:
    """Paths, and URLs of sources."""
    paths: list[str] = []
    urls: list[str] = []
    for each in given:
        (urls if is_url(each) else paths).append(each)
    return paths, urls


@dataclass(frozen=True, slots=True)
class SourceAddress:
    """Where a source is.

    Attributes:
        scheme: which names the plug-in that reads it.
        host: a bucket, or a server; empty for a folder.
        user: who signs in, where the scheme has it.
        path: without slashes around it; of a folder the absolute path.
    """

    scheme: str
    host: str
    path: str
    user: str | None = None
    port: int | None = None

    @classmethod
    def of(cls, given: str) -> SourceAddress:
        """What a person gave: a URL, or a folder's path.

        Raises:
            UsageError: it is none; what was given is not repeated, for it may hold a secret.
        """
        if not is_url(given):
            return cls(FOLDER, "", os.fspath(Path(given).expanduser().absolute()))
        if not given.isprintable() or any(map(str.isspace, given)):
            raise _unusable("holds a space or a character that cannot be seen")
        try:
            parts = urlsplit(given)
            port = parts.port
        except ValueError:
            raise _unusable("cannot be read") from None
        if parts.password is not None:
            raise UsageError(
                "A source's URL holds a password.",
                remedy="Leave it out, and say where it is with --credentials env:NAME, file:PATH "
                "or block:NAME.",
            )
        if parts.query or parts.fragment:
            raise _unusable("holds a question mark or a number sign")
        if parts.scheme == FOLDER:
            return cls(FOLDER, "", os.fspath(Path("/", unquote(parts.path.strip("/")))))
        if not parts.hostname:
            raise _unusable("names no bucket and no server")
        user = unquote(parts.username) if parts.username is not None else None
        return cls(parts.scheme, parts.hostname, parts.path.strip("/"), user, port)

    @property
    def url(self) -> str:
        """As it is kept and shown; without a slash at its end."""
        if self.scheme == FOLDER:
            return self.path
        user = f"{quote(self.user, safe='')}@" if self.user is not None else ""
        port = f":{self.port}" if self.port is not None else ""
        return f"{self.scheme}://{user}{self.host}{port}/{self.path}".rstrip("/")

    @property
    def prefix(self) -> str:
        """With what the sources of its documents begin."""
        return self.url.rstrip("/") + "/"

    def source_of(self, key: str) -> str:
        """The source of the document that an object becomes; no two objects have the same."""
        if self.scheme == FOLDER:  # as `navigator ingest` names the same file
            return storable(Path(self.prefix + key))
        return self.prefix + "".join(map(_escaped, key))

    def key_of(self, source: str) -> str:
        """The object of a document's source."""
        key = source.removeprefix(self.prefix)
        return key if self.scheme == FOLDER else unquote(key)

    def covers(self, other: SourceAddress) -> bool:
        """Whether another address lies in this one."""
        return (other.prefix).startswith(self.prefix)


def _escaped(character: str) -> str:
    plain = character.isprintable() and character not in _ESCAPED
    return character if plain else quote(character, safe="", errors="surrogatepass")


def _unusable(why: str) -> UsageError:
    return UsageError(
        f"A source's URL {why}.",
        remedy="Write s3://bucket/prefix, gs://…, az://…, imaps://user@host/folder or a path.",
    )
