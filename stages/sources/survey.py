"""Surveys a source: lists it, and compares what is there with what was seen before.

Nothing is downloaded for it. An object whose stamp and size are as they were keeps the hash that it
had, so that registering it is as with a file that has not changed.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from clients.source import Item, ObjectGone, ObjectUnreadable, Source
from clients.storage.objects import raw_key
from pipeline.concurrency import gather_bounded
from pipeline.errors import PARSE_REMEDIES, NavigatorError, ParseCode, UsageError
from pipeline.folder_walk import is_lock
from pipeline.ignore_rules import spec_of
from pipeline.parsing.kinds import PICTURE_SUFFIXES, SUFFIXES, suffix_of
from pipeline.parsing.media import shown_name
from pipeline.source_definition import SourceDefinition
from pipeline.sources import RejectedFile
from pipeline.store import registration, source_objects
from pipeline.store.registration import Outcome
from pipeline.store.source_objects import SeenObject
from stages.services import Services

_AT_ONCE = 16
_MOST_NAME_BYTES = 2_000
"""Of a document's source: what an index of Postgres holds, with room to spare."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object that is to be taken in.

    Attributes:
        source: of the document that it becomes.
        sha256: of its bytes, when they are the ones that were seen before.
    """

    item: Item
    source: str
    user: UUID
    sha256: str | None = None

    def as_source(self, sha256: str, size: int) -> registration.Source:
        """As the database names it, once its bytes are known."""
        name = shown_name(self.item.key.rpartition("/")[2])
        key = raw_key(self.user, sha256)
        return registration.Source(self.source, name, sha256, size, key)


@dataclass(slots=True)
class Survey:
    """What there is in a source.

    Attributes:
        seen: every object with its user, as `digest` makes it of them.
        documents: how many of them are documents of somebody.
        wanted: what is new, changed or not finished.
        revoked: what somebody has who may not have it any more.
        rejected: what cannot be taken in, with the user whose it would be.
        counts: for a person.
    """

    seen: set[bytes] = field(default_factory=set)
    documents: int = 0
    wanted: list[Wanted] = field(default_factory=list)
    revoked: list[SeenObject] = field(default_factory=list)
    rejected: list[tuple[UUID, RejectedFile]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def digest(user: UUID, source: str) -> bytes:
    """An object of a user, in sixteen bytes: a source may hold millions."""
    told = user.bytes + source.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(told, digest_size=16).digest()


async def survey(services: Services, definition: SourceDefinition, source: Source) -> Survey:
    """List a source to its end.

    Raises:
        UsageError, ServiceUnavailable: it cannot be listed completely, or holds nothing any more
            that may be read.
    """
    look = _Look(services, definition, source)
    async for items in source.listing():
        await look.take(items)
    if look.found.revoked and not look.found.documents:
        raise UsageError(
            "Nothing in the source is anybody's any more, so nothing was taken from anybody.",
            remedy="Check the rules of its rights, and what its objects are labeled with.",
        )
    return look.found


class _Look:
    """One look through a source, page by page."""

    def __init__(self, services: Services, definition: SourceDefinition, source: Source) -> None:
        self._services, self._definition, self._source = services, definition, source
        self._address, self._rights = definition.address, definition.mapped
        self._exclude = spec_of(definition.exclude, "--exclude")
        self.found = Survey()

    async def take(self, items: Sequence[Item]) -> None:
        """Compare one page with what is remembered."""
        self.found.counts["listed"] += len(items)
        documents = {self._address.source_of(e.key): e for e in items if self._is_document(e.key)}
        self.found.counts["left_out"] += len(items) - len(documents)
        remembered = await self._remembered(documents)
        whose = await self._whose(documents, remembered)
        placed = []
        for source, item in documents.items():
            user = whose[source]
            self._revoke(remembered[source], user)
            if user is None:
                self.found.counts["nobodys"] += 1
                continue
            self.found.documents += 1
            self.found.seen.add(digest(user, source))
            if (refused := self._refusal(source, item)) is None:
                placed.append(Wanted(item, source, user))
            else:
                self.found.rejected.append((user, refused))
        await self._compare(placed, remembered)

    def _is_document(self, key: str) -> bool:
        parts = key.split("/")
        suffix = suffix_of(parts[-1])
        read = suffix in SUFFIXES and (
            self._services.settings.reads_pictures or suffix not in PICTURE_SUFFIXES
        )
        hidden = any(part.startswith(".") for part in parts)
        return read and not hidden and not is_lock(parts[-1]) and not self._exclude.match_file(key)

    async def _remembered(self, sources: Iterable[str]) -> dict[str, list[SeenObject]]:
        found: dict[str, list[SeenObject]] = defaultdict(list)
        async with self._services.database.service() as connection:
            rows = await source_objects.known(connection, list(sources))
        for row in rows:
            found[row.source].append(row)
        return found

    async def _whose(
        self, documents: Mapping[str, Item], remembered: Mapping[str, Sequence[SeenObject]]
    ) -> dict[str, UUID | None]:
        if not self._rights.needs_labels:
            return {s: self._rights.user_of(item.key, {}) for s, item in documents.items()}
        calls = (self._labeled(s, item, remembered[s]) for s, item in documents.items())
        return dict(zip(documents, await gather_bounded(_AT_ONCE, calls), strict=True))

    async def _labeled(self, source: str, item: Item, known: Sequence[SeenObject]) -> UUID | None:
        own = [each for each in known if each.source_id == self._definition.id]
        if len(own) == 1 and item.stamp and _version(own[0]) == _version_of(item):
            return own[0].user_id  # neither its bytes nor its labels have changed
        try:
            return self._rights.user_of(item.key, await self._source.labels(item))
        except ObjectGone:
            return own[0].user_id if own else None  # the next run sees what it is then
        except ObjectUnreadable:
            # Nobody knows whose it is: so it is nobody's, and who had it has it no longer.
            return None

    def _revoke(self, known: Sequence[SeenObject], user: UUID | None) -> None:
        own = self._definition.id
        if own is not None:
            self.found.revoked += [e for e in known if e.source_id == own and e.user_id != user]

    def _refusal(self, source: str, item: Item) -> RejectedFile | None:
        most = self._services.settings.max_file_bytes
        if len(source.encode("utf-8", "surrogatepass")) > _MOST_NAME_BYTES:
            message, remedy = "Its name is too long.", "Give it a shorter one."
            return RejectedFile(source[: _MOST_NAME_BYTES // 4], "name_too_long", message, remedy)
        if item.size > most:
            return too_large(source, most)
        return None

    async def _compare(
        self, placed: Sequence[Wanted], remembered: Mapping[str, Sequence[SeenObject]]
    ) -> None:
        changed, same, again = [], [], []
        for each in placed:
            known = next((e for e in remembered[each.source] if e.user_id == each.user), None)
            if known is None or not each.item.stamp or _bytes(known) != _bytes_of(each.item):
                changed.append(each)
                continue
            same.append(Wanted(each.item, each.source, each.user, known.file_sha256))
            adopted = self._definition.id if known.source_id is None else known.source_id
            if known.revision != each.item.revision or adopted != known.source_id:
                again.append(self.as_seen(same[-1], known.file_sha256))
        unfinished, failed = await self._unfinished(same)
        self.found.counts["failed_before"] += failed
        self.found.counts["unchanged"] += len(same) - len(unfinished) - failed
        self.found.wanted += [*changed, *unfinished]
        async with self._services.database.service() as connection:
            await source_objects.remember(connection, again)

    async def _unfinished(self, same: Sequence[Wanted]) -> tuple[list[Wanted], int]:
        """Objects that have not changed, but whose documents are not published as they are.

        Those that failed are only counted, and wait for a person: else every run would tell of
        them again.
        """
        left, failed = [], 0
        for user, wanted in by_user(same).items():
            sources = [e.as_source(str(e.sha256), e.item.size) for e in wanted]
            async with self._services.database.service() as connection:
                known = await registration.look_up(
                    connection, user, sources, self._services.version
                )
            pairs = zip(wanted, known, strict=True)
            ended = (Outcome.UNCHANGED, Outcome.FAILED_BEFORE)
            left += [each for each, found in pairs if found.outcome not in ended]
            failed += sum(found.outcome is Outcome.FAILED_BEFORE for found in known)
        return left, failed

    def as_seen(self, wanted: Wanted, sha256: str) -> SeenObject:
        return as_seen(self._definition, wanted, sha256)


def as_seen(definition: SourceDefinition, wanted: Wanted, sha256: str) -> SeenObject:
    """An object that was taken in, to be remembered."""
    item = wanted.item
    return SeenObject(
        wanted.user, wanted.source, definition.id, item.stamp, item.revision, item.size, sha256
    )


def by_user(wanted: Iterable[Wanted]) -> dict[UUID, list[Wanted]]:
    """Objects by the user whose they are."""
    found: dict[UUID, list[Wanted]] = defaultdict(list)
    for each in wanted:
        found[each.user].append(each)
    return found


def too_large(source: str, most: int) -> RejectedFile:
    """An object of more bytes than are taken."""
    message = f"It is larger than {most / 1024 / 1024:,.0f} MiB."
    code = ParseCode.TOO_LARGE
    return RejectedFile(source, code.value, message, PARSE_REMEDIES[code])


def refused(source: str, error: NavigatorError) -> RejectedFile:
    """An object that an error keeps from being taken in."""
    return RejectedFile(source, error.code, error.message, error.remedy)


def _bytes(known: SeenObject) -> tuple[str, int]:
    return known.stamp, known.size


def _bytes_of(item: Item) -> tuple[str, int]:
    return item.stamp, item.size


def _version(known: SeenObject) -> tuple[str, int, str]:
    return known.stamp, known.size, known.revision


def _version_of(item: Item) -> tuple[str, int, str]:
    return item.stamp, item.size, item.revision
