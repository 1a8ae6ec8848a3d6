"""Lets a person choose a saved Prefect block for one run, in Prefect's form or by its name.

What is kept is the name, ``type/name``, never what the block holds.
"""

from __future__ import annotations

from typing import Annotated, Any, Union

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model


def saved_block(*types: str) -> Any:
    """The type of a field that names a block of one of these types, or none.

    Prefect's form shows a model whose schema has a ``block_type_slug`` as a choice among the saved
    blocks of that type. It sends a reference, for which the run is given the block.
    """

    def name_of(value: object) -> str | None:
        return _name_of(value, types)

    name = Annotated[str, Field(title="By name", pattern=f"^({'|'.join(types)})/.+$")]
    choices = [_choice(each) for each in types]
    return Annotated[Union[*choices, name, None], BeforeValidator(name_of)]


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


def _name_of(value: object, types: tuple[str, ...]) -> str | None:
    if value is None:
        return None
    found = value if isinstance(value, str) else _of_block(value)
    kind, _, name = (found or "").partition("/")
    if kind not in types or not name:
        raise ValueError(f"must be a saved block: {' or '.join(f'{each}/name' for each in types)}")
    return found


def _of_block(block: Any) -> str | None:
    """The name of a block that Prefect has loaded; of one that nobody saved there is none."""
    kind, name = getattr(block, "get_block_type_slug", None), "_block_document_name"
    saved = getattr(block, name, None)
    return f"{kind()}/{saved}" if kind is not None and saved else None
