"""Compares our block types, and the blocks that settings name, with what Prefect's server has."""

from __future__ import annotations

from collections.abc import AsyncIterator

from prefect.blocks.core import Block
from prefect.client.orchestration import PrefectClient
from prefect.exceptions import ObjectNotFound

from deployments.drift import origins
from deployments.drift.difference import Area, Difference
from deployments.drift.explaining import BLOCK, BLOCK_TYPE
from deployments.environment import Environment

_BLOCKS = ("database_block", "storage_block", "parser_block", "embedder_block", "alert_block")


async def block_drift(client: PrefectClient, environment: Environment) -> AsyncIterator[Difference]:
    """Types that are not registered or have other fields, and blocks that are not there."""
    from blocks.registry import BLOCK_TYPES

    for kind in BLOCK_TYPES:
        found = await _registered(client, kind)
        if found != (declared := kind._calculate_schema_checksum()):
            yield Difference(
                Area.BLOCK_TYPE, kind.get_block_type_slug(), "", declared, found, BLOCK_TYPE.means,
                origins.of_missing_object("type"), BLOCK_TYPE.repair,
            )  # fmt: skip
    for setting in _BLOCKS:
        slug = environment.settings.get(setting)
        if slug and not await _is_saved(client, str(slug)):
            yield Difference(
                Area.BLOCK, str(slug), "", f"named by {setting}", None, BLOCK.means,
                origins.of_missing_object("block"), BLOCK.repair, BLOCK.remedy,
            )  # fmt: skip


async def _registered(client: PrefectClient, kind: type[Block]) -> str | None:
    """The checksum of the type's fields that the server has; ours where it has them."""
    try:
        registered = await client.read_block_type_by_slug(kind.get_block_type_slug())
    except ObjectNotFound:
        return None
    try:
        same = await client.read_block_schema_by_checksum(
            kind._calculate_schema_checksum(), kind.get_block_schema_version()
        )
        return same.checksum
    except ObjectNotFound:
        newest = await client.get_most_recent_block_schema_for_block_type(registered.id)
        return newest.checksum if newest else None


async def _is_saved(client: PrefectClient, slug: str) -> bool:
    kind, _, name = slug.partition("/")
    try:
        await client.read_block_document_by_name(name, kind)
    except ObjectNotFound:
        return False
    return True
