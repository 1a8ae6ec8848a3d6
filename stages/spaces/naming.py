"""Finds the space that a person means, and says what a space is called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.store.space_pointer import StoredSpace


def title(space: StoredSpace) -> str:
    """A space in a few words: its maker or way, its model, its dimension."""
    return f"{space.provider}/{space.model}, {space.dimension} dimensions"


def space_named(spaces: Sequence[StoredSpace], given: str) -> StoredSpace:
    """The space whose id begins so, or that is called so and alone.

    Raises:
        UsageError: there is none, or more than one.
    """
    wanted = given.strip().lower()
    found = [each for each in spaces if wanted and str(each.id).startswith(wanted)]
    found = found or [each for each in spaces if wanted in {
        each.model.lower(), f"{each.provider}/{each.model}".lower(),
    }]  # fmt: skip
    if len(found) == 1:
        return found[0]
    raise UsageError(
        f"There {'are several embedding spaces' if found else 'is no embedding space'} {given!r}.",
        remedy="Give the start of an id; `navigator space list` shows them.",
    )
