"""Tells whether two servers that call their model the same give the same vectors.

A model that its maker names (`text-embedding-3-small`) is the same wherever it is asked. A name
that an operator gave (`default`, `bge`) says nothing: two servers may have different models behind
it. So such a space remembers its servers, and a server that is not among them is asked for the
vectors of a few texts that are there. Are they the same, it is the same space; else it is another.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np

from clients.network.provider_errors import BadAnswer
from pipeline.identity import sha256_hex
from pipeline.logs import logger
from pipeline.store import space_servers
from stages.query_embedding import PROBE, embedded
from stages.spaces.embedder_in_space import EmbedderInSpace

if TYPE_CHECKING:
    from clients.embedder import Embedder, EmbeddingSpace
    from pipeline.store.engine import Database
    from pipeline.store.space_servers import NamedSpace

SAME = 0.999
"""Cosine from which on two vectors are one model's: rounding and batching cost less than this."""
_TEXTS = 3
_UNKNOWN_MAKER = "openai-compatible"
_LOG = logger("navigator.services")


def server_address(embedder: Embedder) -> str | None:
    """The server whose identity counts; None where the model's name is enough."""
    address = getattr(embedder, "address", None)
    if address is None or embedder.space.provider != _UNKNOWN_MAKER:
        return None
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}{parts.path.rstrip('/')}"


async def in_own_space(embedder: Embedder, database: Database) -> Embedder:
    """The embedder, in the space that its server's vectors belong to.

    An installation that knows no server yet takes this one for its own: nothing is embedded again
    because the program was updated.

    Raises:
        ServiceUnavailable, ConfigurationError: a server that is not known does not answer.
    """
    address, space = server_address(embedder), embedder.space
    if address is None:
        return embedder
    async with database.service() as connection:
        named = await space_servers.spaces_named(
            connection, space.provider, space.model, space.dimension
        )
    for each in named:
        if address in each.addresses:
            return _within(embedder, each.version)
    for each in named:
        if each.addresses or each.version != space.version:
            continue
        async with database.service() as connection:
            if await space_servers.add_server(connection, each.id, address, first=True):
                return embedder
        return await in_own_space(embedder, database)  # another process was first
    return await _of_unknown_server(embedder, database, named, address) if named else embedder


async def note_server(embedder: Embedder, database: Database) -> None:
    """Write down the server of a space that was just made."""
    if (address := server_address(embedder)) is not None:
        async with database.service() as connection:
            await space_servers.add_server(connection, embedder.space.id, address)


async def _of_unknown_server(
    embedder: Embedder, database: Database, named: list[NamedSpace], address: str
) -> Embedder:
    """The space with the same vectors, or else one of the server's own."""
    nearest = -1.0
    for each in named:
        likeness = await _likeness(embedder, database, each)
        if likeness is None or likeness >= SAME:
            async with database.service() as connection:
                await space_servers.add_server(connection, each.id, address)
            _tell(embedder.space, address, likeness, same=True)
            return _within(embedder, each.version)
        nearest = max(nearest, likeness)
    _tell(embedder.space, address, nearest, same=False)
    return _within(embedder, f"{embedder.space.version}@{sha256_hex(address)[:12]}")


def _within(embedder: Embedder, version: str) -> Embedder:
    if version == embedder.space.version:
        return embedder
    return EmbedderInSpace(embedder, replace(embedder.space, version=version))


async def _likeness(embedder: Embedder, database: Database, space: NamedSpace) -> float | None:
    """The least cosine between stored vectors and the server's own; None when none is stored."""
    async with database.service() as connection:
        probes = await space_servers.probes(connection, space.id, _TEXTS)
    cosines = []
    for probe in probes:
        try:
            answer = await embedded(
                probe.text, database, embedder, operation=PROBE, owner=probe.user_id
            )
        except BadAnswer:  # of another length, or none at all: another model's in any case
            return -1.0
        cosines.append(float(np.dot(answer.vectors[0], probe.vector)))
    return min(cosines, default=None)


def _tell(space: EmbeddingSpace, address: str, likeness: float | None, *, same: bool) -> None:
    _LOG.log(
        20 if same else 30,
        "embedding_server_same" if same else "embedding_server_differs",
        model=space.model,
        server=address,
        cosine=None if likeness is None else round(likeness, 4),
    )


def difference_note(space: EmbeddingSpace) -> str | None:
    """What a person should know of a space that has a model's name with another one."""
    if "@" not in space.version:
        return None
    return (
        f"Another server calls its model {space.model} too, and gives other vectors. What was "
        "embedded by that one is found by words alone until this space is built and switched to, "
        "or OPENAI_BASE_URL is set back."
    )
