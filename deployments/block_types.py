"""Registers our block types on Prefect's server, so that its page has their forms."""

from __future__ import annotations

from collections.abc import Collection

from prefect.client.orchestration import PrefectClient


async def register_block_types(client: PrefectClient, slugs: Collection[str] | None = None) -> None:
    """Register every block type of ours; again it changes nothing.

    Args:
        slugs: only these.
    """
    from blocks.registry import BLOCK_TYPES

    for kind in BLOCK_TYPES:
        if slugs is None or kind.get_block_type_slug() in slugs:
            await kind.aregister_type_and_schema(client=client)
