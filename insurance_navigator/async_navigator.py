"""`AsyncNavigator`: ingest, search and manage a corpus from a program with an event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self
from uuid import UUID

from insurance_navigator import results
from insurance_navigator.given_settings import environment_with, given_settings
from insurance_navigator.umask import private_umask
from pipeline.errors import UsageError
from pipeline.identity import user_id

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from app.ingestion import IngestRequest
    from clients.embedder import Embedder
    from clients.storage.object_storage import Storage
    from pipeline.store.engine import Database
    from stages.spaces.embedder_pool import EmbedderPool
    from stages.text_cache import TextCache

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]

_RUNS, _FAILED = 5, 100


class AsyncNavigator:
    """A corpus of documents: its methods are coroutines, and may run at the same time.

    Reading keeps the database and the embedder open from the first call to `close`; an ingest runs
    in a process of its own. Use it in an `async with` block, in one event loop.

    Args:
        settings: by name of a field of `pipeline.settings.Settings`; what is not given comes from
            the environment and the settings file, and else is the embedded default.

    Raises:
        ConfigurationError: a setting is unknown or wrong.
    """

    def __init__(self, **settings: object) -> None:
        self._given = settings
        self._settings = given_settings(settings)
        self._open = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._opened_database: Database | None = None
        self._embedders: EmbedderPool | None = None
        self._opened_texts: tuple[Storage, TextCache] | None = None

    async def ingest(
        self,
        paths: Paths,
        *,
        user: str | None = None,
        tags: Sequence[str] = (),
        sync: bool = False,
        follow_links: bool = False,
        exclude: Sequence[str] = (),
        max_cost_usd: Decimal | float | str | None = None,
    ) -> results.IngestResult:
        """Take files, folders or globs to published documents, as `navigator ingest` does.

        Unchanged files cost nothing; what an earlier run left unfinished goes on. Documents that
        fail raise nothing: each says why in the result.

        Args:
            paths: one or several. user: whose documents these are; a UUID or any name.
            tags: written on each document, for filtering searches.
            sync: delete documents whose files are gone from the folders.
            follow_links: follow links out of the folders, too.
            exclude: gitignore patterns of what is left out of folders.
            max_cost_usd: the run stops before it spends more; `stopped` says so.

        Raises:
            UsageError: a path names nothing, there is nothing to take in, or the cap is no sum.
            NavigatorError: the run could not begin, or not go on; what is done is kept.
        """
        from app.ingestion_messages import Order
        from insurance_navigator.conversion import ingest_result
        from insurance_navigator.ingest_process import run_ingest

        request = self._request(paths, user, tags, sync, follow_links, exclude, max_cost_usd)
        environment = environment_with(os.environ, self._given, self._settings)
        return ingest_result(await run_ingest(Order(request, self._settings), environment))

    async def plan(
        self,
        paths: Paths,
        *,
        user: str | None = None,
        sync: bool = False,
        follow_links: bool = False,
        exclude: Sequence[str] = (),
    ) -> results.PlanResult:
        """Say what an ingest of these paths would do and cost; stores and pays nothing.

        Raises:
            UsageError: a path names nothing, or there is nothing to take in.
        """
        from app.ingestion import find
        from insurance_navigator.conversion import plan_result
        from stages.planning import plan
        from stages.services import open_services

        found = await asyncio.to_thread(
            find, self._request(paths, user, (), sync, follow_links, exclude, None), self._settings
        )
        with private_umask():
            async with open_services(self._settings) as services:
                made = await plan(services, found, self._owner(user), sync=sync)
        return plan_result(made, found)

    async def search(
        self,
        question: str,
        *,
        mode: Literal["hybrid", "vector", "text"] = "hybrid",
        limit: int = 5,
        document: str | UUID | Sequence[str | UUID] | None = None,
        tags: Sequence[str] = (),
        roles: Sequence[str] = (),
        since: date | None = None,
        until: date | None = None,
        languages: Sequence[str] = (),
        context: bool = False,
        context_characters: int | None = None,
        user: str | None = None,
        rerank: bool = False,
    ) -> results.SearchResult:
        """Find the passages of published documents that answer a question, best first.

        Args:
            mode: by vectors, by words (text) or by both.
            document: only in this one, or these: a path, a name or the start of an id each.
            tags: only in documents that have all of them.
            roles: only passages that have one of them: coverage, exclusion, definition …
            since, until: only documents of these days, both included: of their effective date,
                else their edition, else when they were taken in.
            languages: only documents in one of them, as "en".
            context: bring what must be read with each passage: its `companions`.
            context_characters: room for the companions of all passages together; by default 12,000.
            rerank: have a cross-encoder read the best passages again.

        Raises:
            UsageError: the question is empty, a role is unknown, or no such document exists.
        """
        from insurance_navigator.conversion import search_result
        from stages.citing import with_places
        from stages.reranking import reranker_of
        from stages.search import CONTEXT_CHARACTERS, ask

        reranker = reranker_of(self._settings) if rerank else None
        database, owner = await self._database(), self._owner(user)
        given = [document] if isinstance(document, str | UUID) else document or ()
        room = CONTEXT_CHARACTERS if context_characters is None else context_characters
        answer = await ask(
            question, owner, database, await self._embedder(),
            mode=mode, limit=limit, document=list(map(str, given)), tags=tags, roles=roles,
            since=since, until=until, languages=languages,
            least_relevance=self._settings.search_least_relevance,
            context_characters=room if context else 0,
            reranker=reranker,
        )  # fmt: skip
        cited = await with_places(answer.passages, question, *await self._texts(), answer.near)
        return search_result(question, replace(answer, passages=cited))

    async def status(self, *, user: str | None = None) -> results.StatusResult:
        """Show how the corpus stands: documents by status, storage, the last runs, failures."""
        from insurance_navigator.conversion import status_result
        from pipeline.states import FAILED
        from pipeline.store import quotas, stops, summary
        from pipeline.store.document_queries import DocumentFilter, documents_by_name

        owner, quota = self._owner(user), self._settings.user_quota_bytes
        async with self._reader(owner) as connection:
            failed, _ = await documents_by_name(connection, DocumentFilter(FAILED), limit=_FAILED)
            return status_result(
                await summary.summarize(connection),
                await quotas.storage_use(connection, owner, quota),
                await summary.last_runs(connection, _RUNS),
                await stops.stopped_runs(connection),
                failed,
            )

    async def documents(
        self,
        *,
        state: str | None = None,
        tags: Sequence[str] = (),
        limit: int = 100,
        user: str | None = None,
    ) -> results.DocumentList:
        """List documents by name.

        Args:
            state: published, gaps, failed, waiting, or a state of the state machine.
            tags: only documents that have all of them.

        Raises:
            UsageError: there is no such state.
        """
        from insurance_navigator.conversion import document
        from pipeline.states import states_named
        from pipeline.store.document_queries import DocumentFilter, documents_by_name

        states = states_named(state) if state else None
        async with self._reader(self._owner(user)) as connection:
            chosen = DocumentFilter(states, tags)
            found, total = await documents_by_name(connection, chosen, limit=limit)
        return results.DocumentList(tuple(map(document, found)), total)

    async def delete(
        self, documents: str | UUID | Iterable[str | UUID], *, user: str | None = None
    ) -> results.DeleteResult:
        """Delete documents with everything made of them, without asking back.

        Args:
            documents: paths, names or the starts of ids; all are looked up before one is deleted.

        Raises:
            UsageError: one of them names no document, or several.
        """
        from pipeline.store.transitions import Actor
        from stages.document_lookup import find_one
        from stages.services import open_storage
        from stages.syncing import delete

        named = [documents] if isinstance(documents, (str, UUID)) else list(documents)
        owner, database = self._owner(user), await self._database()
        async with self._reader(owner) as connection:
            ids = {(await find_one(connection, str(each))).document_id for each in named}
        with private_umask():
            storage = await open_storage(self._settings)
            done = await delete(database, storage, list(ids), Actor("person"), owner)
        return results.DeleteResult(tuple(sorted(done.documents)), done.chunks)

    async def close(self) -> None:
        """Let go of the database and the embedder; the next call opens them again."""
        await self._open.aclose()
        self._opened_database = self._embedders = None
        self._opening = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _owner(self, user: str | None) -> UUID:
        return user_id(user or self._settings.user)

    def _request(
        self,
        paths: Paths,
        user: str | None,
        tags: Sequence[str],
        sync: bool,
        follow_links: bool,
        exclude: Sequence[str],
        max_cost_usd: Decimal | float | str | None,
    ) -> IngestRequest:
        from app.ingestion import IngestRequest
        from pipeline.run_options import RunOptions

        several = [paths] if isinstance(paths, (str, os.PathLike)) else paths
        return IngestRequest(
            paths=[os.fspath(each) for each in several],
            user=user or self._settings.user,
            tags=tuple(tags),
            options=RunOptions(
                max_cost_usd=None if max_cost_usd is None else _cap(max_cost_usd),
                sync=sync,
                follow_links=follow_links,
                exclude=list(exclude),
            ),
        )

    async def _database(self) -> Database:
        from pipeline.retry_policy import LOOKING_SECONDS
        from stages.services import open_database

        async with self._opening:
            if self._opened_database is None:
                with private_umask():
                    self._opened_database = await open_database(
                        self._settings, self._open, patience_seconds=LOOKING_SECONDS
                    )
            return self._opened_database

    async def _embedder(self) -> Embedder:
        """The embedder of the space that answers now: asked each time, for it may be switched."""
        from stages.services import open_embedders

        database = await self._database()
        async with self._opening:
            if self._embedders is None:
                self._embedders = await open_embedders(self._settings, self._open)
        return await self._embedders.answering(database)

    async def _texts(self) -> tuple[Storage, TextCache]:
        from stages.services import open_storage
        from stages.text_cache import TextCache

        async with self._opening:
            if self._opened_texts is None:
                with private_umask():
                    self._opened_texts = await open_storage(self._settings), TextCache()
            return self._opened_texts

    @asynccontextmanager
    async def _reader(self, owner: UUID) -> AsyncIterator[AsyncConnection]:
        database = await self._database()
        async with database.reader(owner) as connection:
            yield connection


def _cap(given: Decimal | float | str) -> Decimal:
    try:
        cap = Decimal(str(given))
    except InvalidOperation:
        cap = Decimal("NaN")
    if cap.is_nan() or cap < 0:
        raise UsageError(f"max_cost_usd is no sum of money: {given!r}.", remedy="Give US dollars.")
    return cap
