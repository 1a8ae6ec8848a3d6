"""Blocks that were saved on a Prefect server, named by a setting as ``type/name``."""

from __future__ import annotations

from contextlib import chdir
from typing import Any

from pipeline.children import NEUTRAL_FOLDER
from pipeline.errors import ConfigurationError


async def load_block(slug: str) -> Any:
    """The block of this name.

    Raises:
        ConfigurationError: the server has none.
    """
    with chdir(NEUTRAL_FOLDER):  # Prefect reads settings in the current folder
        from prefect.blocks.core import Block

        import blocks.registry  # noqa: F401  (Prefect finds our classes once they are imported)

    try:
        return await Block.aload(slug)
    except ValueError:
        raise ConfigurationError(
            f"Prefect has no block {slug!r}.",
            remedy="Save it with `prefect block create`, or unset the setting that names it.",
        ) from None
