"""Loads blocks saved on a Prefect server, named by a setting as ``type/name``."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import chdir
from typing import Any

from pipeline.child_processes import NEUTRAL_FOLDER
from pipeline.errors import ConfigurationError

_before_the_first: list[Callable[[], object]] = []


def once_before_loading(provide: Callable[[], object]) -> Callable[[], None]:
    """Have a function make the Prefect server known before the first block is asked for.

    Without it, Prefect asks the server of its own settings, or starts one for the moment. It is
    called where the block is loaded, once, before Prefect is imported.

    Returns:
        What takes it back.
    """
    _before_the_first[:] = [provide]
    return _before_the_first.clear


async def load_block(slug: str) -> Any:
    """The block of this name.

    Raises:
        ConfigurationError: the server has none.
    """
    while _before_the_first:
        _before_the_first[-1]()
        _before_the_first.clear()
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
