"""Opens sources, with the credentials that they refer to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from blocks.saved_blocks import load_block
from pipeline.plugins import SOURCES
from pipeline.secret_references import BLOCK, as_options, read_secret
from pipeline.source_definition import SourceDefinition

if TYPE_CHECKING:
    from clients.source import Source, SourcePlugin


@asynccontextmanager
async def opened_source(definition: SourceDefinition) -> AsyncIterator[Source]:
    """A source, for this block.

    Raises:
        ConfigurationError: its kind, an option or its credentials cannot be used.
    """
    plugin: SourcePlugin = SOURCES.load(definition.address.scheme)
    secret = await _credentials(definition.credentials)
    source = plugin.open(definition.address, {**definition.options, **secret})
    try:
        yield source
    finally:
        await source.close()


async def _credentials(reference: str | None) -> Mapping[str, str]:
    if reference is None:
        return {}
    if reference.startswith(BLOCK):
        block = await load_block(f"secret/{reference.removeprefix(BLOCK)}")
        return as_options(str(block.get()))
    return as_options(read_secret(reference))
