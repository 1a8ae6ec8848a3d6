"""Begins a space beside the one that answers, and says before what filling it costs."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.errors import UsageError
from pipeline.store import embedding_spaces, space_backlog, space_pointer, space_servers
from pipeline.store.connection_retries import retry_on_restart
from pipeline.store.space_vectors import Lacking, lacking
from pipeline.tokens import name_of
from stages.costs import embedding_price
from stages.spaces.embedder_in_space import EmbedderInSpace, chunk_limit
from stages.spaces.server_identity import difference_note, in_own_space, note_server

if TYPE_CHECKING:
    from clients.embedder import Embedder
    from stages.services import Services
    from stages.spaces.space_settings import SpaceSettings


@dataclass(frozen=True, slots=True)
class SpacePlan:
    """A space as it would be built.

    Attributes:
        settings: how its embedder is opened.
        answers: it is the space that answers already.
        model_limit: the tokens that the model takes of one text.
        usd: at list price, by the tokens that the chunks were counted by.
    """

    embedder: Embedder
    settings: SpaceSettings
    answers: bool
    lacking: Lacking
    model_limit: int
    usd: Decimal

    @property
    def too_long(self) -> bool:
        """Whether a chunk is longer than what the model takes."""
        return self.lacking.longest > self.model_limit


async def plan_space(
    services: Services, settings: SpaceSettings, stack: AsyncExitStack
) -> SpacePlan:
    """What building a space would buy; nothing is written but what its server turns out to be.

    Raises:
        ConfigurationError, ServiceUnavailable: its embedder cannot be opened or does not answer.
    """
    from stages.services import open_embedder

    opened = await open_embedder(settings.applied_to(services.settings))
    stack.push_async_callback(opened.close)
    embedder = await in_own_space(opened, services.database)
    space, shared = embedder.space, services.settings.share_vectors
    async with services.database.service() as connection:
        lacks = await lacking(connection, space.id, shared=shared)
    usd = embedding_price(embedder, lacks.tokens)
    answers = space.id == services.version.space_id
    told = settings.model_copy(update=_cut_by(services))
    limit = embedder.limits.max_input_tokens
    return SpacePlan(embedder, told, answers, lacks, limit, usd)


def _cut_by(services: Services) -> dict[str, object]:
    """What the corpus's chunks are measured by: they stay as they are in another space."""
    embedder = services.embedder
    return {"tokenizer": embedder.tokenizer_name, "chunk_limit": chunk_limit(embedder)}


async def begin_space(services: Services, plan: SpacePlan) -> Embedder:
    """Make the space, owe it every published document, and from now on every new one.

    Again it changes nothing but what was lacking. What answers goes on answering.

    Raises:
        UsageError: it is the space that answers.
    """
    if plan.answers:
        raise UsageError(
            "This model is the one that answers already: there is nothing to build.",
            remedy="Name another with --embedder, --model, --dimension or --base-url.",
        )
    space = plan.embedder.space
    await embedding_spaces.ensure_space(
        services.database, space.id, provider=space.provider, model=space.model,
        dimension=space.dimension, version=space.version,
    )  # fmt: skip
    await note_server(plan.embedder, services.database)
    await _fill_from_now_on(services, plan)
    await space_backlog.owe_all(services.database, space.id)
    return in_space(plan.embedder, plan.settings)


@retry_on_restart
async def _fill_from_now_on(services: Services, plan: SpacePlan) -> None:
    space = plan.embedder.space
    async with services.database.service() as connection:
        await space_pointer.begin_filling(
            connection, space.id, plan.settings.record(), services.version.space_id
        )
    if said := difference_note(space):
        async with services.database.service() as connection:
            await space_servers.note(connection, space.id, said)


def in_space(embedder: Embedder, settings: SpaceSettings) -> Embedder:
    """The embedder with the chunks of the corpus as they are."""
    inner = embedder.embedder if isinstance(embedder, EmbedderInSpace) else embedder
    return EmbedderInSpace(inner, embedder.space, settings.tokenizer, settings.chunk_limit)


def tokenizer_differs(services: Services, embedder: Embedder) -> bool:
    """Whether the model counts tokens otherwise than the chunks were counted."""
    return name_of(services.embedder.tokenizer_name) != name_of(embedder.tokenizer_name)
