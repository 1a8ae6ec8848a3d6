"""Defines the source protocol: where documents lie that are taken in when they are new or changed.

A plug-in is found by the scheme of its URL, ``imaps`` for ``imaps://…``. It lists what there is and
reads one object; what was seen before, whose an object is, what is gone and what may be deleted is
decided here, for all of them alike.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pipeline.errors import NavigatorError
from pipeline.source_address import SourceAddress


class ObjectGone(NavigatorError):
    """There is no such object, or not any more in the version that was listed."""

    code = "file_missing"
    remedy = "Nothing to do: the next run sees what is there then."


class ObjectUnreadable(NavigatorError):
    """One object cannot be read, while others can."""

    code = "file_unreadable"
    remedy = "Have whoever keeps the source allow it to be read."


@dataclass(frozen=True, slots=True)
class Item:
    """An object as it was listed.

    Attributes:
        key: names it in its source, with slashes between folders; written by anybody who may write
            there.
        size: in bytes.
        stamp: of its bytes (ETag, version): other bytes have another. Equal stamps and sizes are
            not read again; an empty one equals none.
        revision: of what it is labeled with: other labels have another.
    """

    key: str
    size: int
    stamp: str
    revision: str = ""


class Source(Protocol):
    """Lists and reads objects. One event loop; safe for concurrent reads in it."""

    def listing(self) -> AsyncIterator[Sequence[Item]]:
        """Everything that there is, some at a time, in any order, each object once.

        Raises:
            ServiceUnavailable: it cannot be told completely now; nothing is taken for gone then.
            ConfigurationError: it cannot be listed as it is set up.
        """
        ...

    def read(self, item: Item) -> AsyncIterator[bytes]:
        """The bytes of an object, in the version that was listed, piece by piece.

        Raises:
            ObjectGone: it is not there in that version.
            ObjectUnreadable: it may not be read.
            ServiceUnavailable: the source does not answer.
        """
        ...

    async def labels(self, item: Item) -> Mapping[str, str]:
        """What an object is labeled with, names in lower case; none when the source has no labels.

        Whoever may set a label says whose the object is, when the rights of a source name it.

        Raises:
            ObjectGone, ObjectUnreadable, ServiceUnavailable: as `read`; never none instead.
        """
        ...

    async def is_gone(self, key: str) -> bool:
        """Whether there is certainly nothing under a key; asked before a document is deleted.

        Raises:
            ServiceUnavailable: nobody can tell now.
        """
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...


@dataclass(frozen=True, slots=True)
class SourcePlugin:
    """A kind of source.

    Attributes:
        summary: one line for help texts.
        open: makes it of its address and options; credentials are among these. Raises
            ConfigurationError where one of them is missing or wrong; makes no connection.
    """

    summary: str
    open: Callable[[SourceAddress, Mapping[str, str]], Source]
