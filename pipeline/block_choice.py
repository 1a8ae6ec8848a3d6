"""Lets a person choose a saved Prefect block for one run, in Prefect's form or by its name.

What is kept is the name, ``type/name``, never what the block holds.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    create_model,
)
from pydantic_core import CoreSchema


class SavedBlock:
    """Marks a field that names a saved block of one of these types, or none.

    Prefect's form shows a model whose schema has a ``block_type_slug`` as a choice among the saved
    blocks of that type. It sends a reference, for which the run is given the block.
    """

    def __init__(self, *types: str) -> None:
        self._types = types

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """The choices, or a name; what comes in is turned into the name."""
        name = Annotated[str, Field(title="By name", pattern=f"^({'|'.join(self._types)})/.+$")]
        choices: Any = reduce(or_, (_choice(each) for each in self._types))
        return handler.generate_schema(
            Annotated[choices | name | None, BeforeValidator(self._name_of)]
        )

    def _name_of(self, value: object) -> str | None:
        if value is None:
            return None
        found = value if isinstance(value, str) else _of_block(value)
        kind, _, name = (found or "").partition("/")
        if kind not in self._types or not name:
            wanted = " or ".join(f"{each}/name" for each in self._types)
            raise ValueError(f"must be a saved block: {wanted}")
        return found


def _choice(slug: str) -> type[BaseModel]:
    """A model whose only use is its schema.

    Nothing fits it: Prefect's server adds the reference to what fits, and nobody is to write a
    block's secrets into a run's parameters, which Prefect keeps.
    """
    title = slug.title().replace("-", "").replace("Openai", "OpenAI")

    def describe(schema: dict[str, Any]) -> None:
        schema.clear()
        schema |= {"title": title, "type": "object", "block_type_slug": slug, "not": {}}

    return create_model(title, __config__=ConfigDict(json_schema_extra=describe))


def _of_block(block: Any) -> str | None:
    """The name of a block that Prefect has loaded; of one that nobody saved there is none."""
    kind, name = getattr(block, "get_block_type_slug", None), "_block_document_name"
    saved = getattr(block, name, None)
    return f"{kind()}/{saved}" if kind is not None and saved else None
