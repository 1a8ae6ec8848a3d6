"""Opens what a run works with: database, storage, parser, embedder, from settings or blocks.

Each part comes from a saved Prefect block when the settings name one, else from the settings
themselves. Prefect is imported only in the first case, so that a search needs none of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from blocks.saved_blocks import load_block
from pipeline.chunk_sizes import ChunkSizes, sizes_in_force
from pipeline.concurrency import PriorityLock
from pipeline.parsing.kinds import CONTAINERS, MediaType
from pipeline.plugins import EMBEDDERS
from pipeline.private_files import keep_private, open_home
from pipeline.retry_policy import LOOKING_SECONDS
from pipeline.settings import Settings
from pipeline.store import embedding_spaces, rate_limits, space_pointer, space_servers
from pipeline.store.connection_retries import retry_on_restart
from pipeline.store.database_urls import Addresses
from pipeline.store.embedded import open_embedded
from pipeline.store.engine import Database
from pipeline.store.migrating import prepare
from pipeline.store.notifications import PARSE_CHANNEL, News
from pipeline.store.rate_limits import RateLimits
from pipeline.store.registration import PipelineVersion
from pipeline.tokens import name_of
from pipeline.worker_identity import worker_name
from stages.parsers import open_remote_parser, parser_pool, parser_version
from stages.protected_connections import require_http, require_postgres, require_storage
from stages.spaces.embedder_in_space import chunk_limit
from stages.spaces.embedder_pool import EmbedderPool
from stages.spaces.server_identity import difference_note, note_server
from stages.spaces.space_settings import settings_of
from stages.text_cache import ContentCache, TextCache

if TYPE_CHECKING:
    from pydantic import SecretStr

    from checks.company_rules import CompanyRules
    from clients.embedder import Embedder, EmbedderPlugin
    from clients.parser import RemoteParser
    from clients.parser_pool.sandbox import ParserPool
    from clients.storage.object_storage import Storage
    from pipeline.chunking.options import ChunkerOptions


@dataclass(frozen=True)
class Services:
    """Everything outside this process that a run uses, and the version of the work it does.

    Attributes:
        sizes: of chunks, before the model's own limit; `chunker` keeps that too.
    """

    settings: Settings
    database: Database
    storage: Storage
    parser: ParserPool
    remote_parser: RemoteParser | None
    embedder: Embedder
    chunker: ChunkerOptions
    version: PipelineVersion
    worker: str
    installation: UUID
    parse_news: News
    company_rules: CompanyRules
    embedders: EmbedderPool
    sizes: ChunkSizes
    texts: TextCache = field(default_factory=TextCache)
    contents: ContentCache = field(default_factory=ContentCache)
    compute_lock: PriorityLock = field(default_factory=PriorityLock)
    embedding_slots: asyncio.Semaphore = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Requests under way at once, over all batches: who waits here may still think better."""
        slots = asyncio.Semaphore(self.embedder.concurrency)
        object.__setattr__(self, "embedding_slots", slots)

    def reads_remotely(self, kind: MediaType) -> bool:
        """Whether the parsing service reads files of this kind; containers are opened here."""
        remote = self.remote_parser
        return remote is not None and kind not in CONTAINERS and remote.reads(kind)

    @property
    def parsing_service(self) -> str:
        """The name under which the parsing service's rate limit and circuit are shared."""
        return self.remote_parser.service if self.remote_parser is not None else "local"

    @property
    def provider(self) -> str:
        """The name under which the embedder's budget and circuit are shared."""
        return f"{self.embedder.space.provider}/{self.embedder.space.model}"


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Open every part, bring the database to the newest schema, and close all at the end.

    Raises:
        ConfigurationError, DatabaseUnavailable, StorageUnavailable: in one sentence each.
    """
    from checks.company_rules import company_rules

    rules = company_rules(settings.check_names, settings.gate_suite_file)
    async with AsyncExitStack() as stack:
        database = await open_database(settings, stack)
        storage = await open_storage(settings)
        embedders = await open_embedders(settings, stack)
        embedder, remembered = await embedders.in_force(database)
        sizes = sizes_in_force(settings, remembered)
        settings, remote = await open_remote_parser(settings)
        parser = parser_pool(settings)
        stack.push_async_callback(parser.close)
        if remote is not None:
            stack.push_async_callback(remote.close)
        news = News(database, PARSE_CHANNEL)
        stack.push_async_callback(news.close)
        chunker = chunker_options(sizes, embedder)
        yield Services(
            settings=settings,
            database=database,
            storage=storage,
            parser=parser,
            remote_parser=remote,
            embedder=embedder,
            chunker=chunker,
            version=version_of(settings, remote, chunker, embedder),
            embedders=embedders,
            sizes=sizes,
            worker=worker_name(),
            installation=await _prepare(database, embedder, settings, remote),
            parse_news=news,
            company_rules=rules,
        )


@asynccontextmanager
async def open_reading(settings: Settings) -> AsyncIterator[tuple[Database, Embedder]]:
    """Only what a search needs: the database and the embedder."""
    async with AsyncExitStack() as stack:
        database = await open_database(settings, stack, patience_seconds=LOOKING_SECONDS)
        embedders = await open_embedders(settings, stack)
        yield database, await embedders.answering(database)


async def open_database(
    settings: Settings, stack: AsyncExitStack, *, patience_seconds: float | None = None
) -> Database:
    """The database, migrated; the embedded one is started when no other is named.

    Args:
        patience_seconds: the longest that a Postgres that is away is waited for; the settings may
            say less.
    """
    addresses = await database_addresses(settings)
    patience = settings.database_patience_seconds
    if patience_seconds is not None:
        patience = min(patience, patience_seconds)
    automatic = settings.database_migrations == "automatic"
    await asyncio.to_thread(prepare, addresses, patience_seconds=patience, automatic=automatic)
    pool_size = settings.embedding_concurrency + settings.concurrency + 4
    database = Database.at(
        addresses,
        pool_size=pool_size,
        idle_seconds=settings.lease_seconds,
        patience_seconds=patience,
    )
    stack.push_async_callback(database.close)
    return database


async def database_addresses(settings: Settings, *, demand_tls: bool = True) -> Addresses:
    """Where the database is; starts the embedded one when none is named.

    Args:
        demand_tls: False for who only tells how a connection would be protected.

    Raises:
        ConfigurationError: it would be reached without TLS.
    """
    keep_private()
    others = _given(settings.database_reader_url), _given(settings.database_owner_url)
    if settings.database_block:
        block = await load_block(settings.database_block)
        addresses = Addresses(str(block.url()), *others)
        return require_postgres(settings, addresses) if demand_tls else addresses
    if settings.database_url is not None:
        addresses = Addresses(settings.database_url.get_secret_value(), *others)
        return require_postgres(settings, addresses) if demand_tls else addresses
    folder, idle = settings.home / "postgres", settings.database_idle_seconds
    return await asyncio.to_thread(open_embedded, folder, idle_seconds=idle)


def _given(address: SecretStr | None) -> str | None:
    return None if address is None else address.get_secret_value()


def storage_url(settings: Settings) -> str:
    """Where objects are kept: the URL of the settings, or the folder of the embedded default."""
    return settings.storage_url or (settings.home / "objects").absolute().as_uri()


async def open_storage(settings: Settings) -> Storage:
    """Where bytes and texts are kept."""
    if settings.storage_block:
        block = await load_block(settings.storage_block)
        opened: Storage = block.open()
        require_storage(settings, block.address, block.all_options())
        return opened
    if settings.storage_url is None:
        await asyncio.to_thread(open_home, settings.home)
    from clients.storage.object_storage import Storage

    # Made first: it says what cannot be a storage at all, and connects only when it is used.
    opened = Storage(storage_url(settings), settings.storage_options)
    require_storage(settings, storage_url(settings), settings.storage_options)
    return opened


async def open_embedders(settings: Settings, stack: AsyncExitStack) -> EmbedderPool:
    """The embedder of the settings, and those of other spaces when they are asked for."""
    own = await open_embedder(settings)
    stack.push_async_callback(own.close)
    pool = EmbedderPool(settings, own)
    stack.push_async_callback(pool.close)
    return pool


async def open_embedder(settings: Settings) -> Embedder:
    """What turns texts into vectors; the caller closes it."""
    if settings.embedder_block:
        block = await load_block(settings.embedder_block)
        opened: Embedder = block.open()
    else:
        plugin: EmbedderPlugin = EMBEDDERS.load(settings.resolved_embedder)
        opened = plugin.open(settings)
    address = getattr(opened, "address", None)  # an embedder here has none
    require_http(settings, address, "the embedder", "OPENAI_BASE_URL")
    return opened


def version_of(
    settings: Settings, remote: RemoteParser | None, chunker: ChunkerOptions, embedder: Embedder
) -> PipelineVersion:
    """The version of the work that these parts do."""
    from pipeline.chunking.options import chunker_version

    return PipelineVersion(
        parser=parser_version(settings, remote),
        chunker=chunker_version(chunker, name_of(embedder.tokenizer_name)),
        space_id=embedder.space.id,
    )


def chunker_options(sizes: ChunkSizes, embedder: Embedder) -> ChunkerOptions:
    """The sizes in force, no larger than what the model reads of one text."""
    from pipeline.chunking.options import ChunkerOptions

    tokens = min(sizes.tokens, chunk_limit(embedder))
    return ChunkerOptions(tokens, min(sizes.overlap_tokens, tokens // 3))


@retry_on_restart
async def _prepare(
    database: Database, embedder: Embedder, settings: Settings, remote: RemoteParser | None
) -> UUID:
    space = embedder.space
    await embedding_spaces.ensure_space(
        database,
        space.id,
        provider=space.provider,
        model=space.model,
        dimension=space.dimension,
        version=space.version,
    )
    await _write_down(database, embedder, settings)
    async with database.service() as connection:
        await rate_limits.ensure_limits(
            connection,
            RateLimits(
                f"{space.provider}/{space.model}",
                settings.embedding_requests_per_minute,
                settings.embedding_tokens_per_minute,
            ),
        )
        if remote is not None:
            budget = RateLimits(remote.service, remote.requests_per_minute)
            await rate_limits.ensure_limits(connection, budget)
        return await embedding_spaces.installation_id(connection)


async def _write_down(database: Database, embedder: Embedder, settings: Settings) -> None:
    """How the embedder of the settings is opened, and what its server is."""
    space = embedder.space
    async with database.service() as connection:
        if await space_pointer.active(connection) is not None:
            return  # what was switched to was written down when it was built
        told = settings_of(settings).record()
        await space_pointer.remember_settings(connection, space.id, told)
        if said := difference_note(space):
            await space_servers.note(connection, space.id, said)
    await note_server(embedder, database)
