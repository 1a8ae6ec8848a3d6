"""Arguments of the tools, and the sentence that says which of them is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.api.fields import MAX_TAGS, Tag
from app.api.problems import Unprocessable
from app.api.routes.search import SearchBody

MOST_PASSAGES = 20
WIDEST_PICTURE = 1600
_SHOWN_ERRORS = 5
_SHOWN_WORDS = 200

Given = TypeVar("Given", bound=BaseModel)


class SearchArguments(SearchBody):
    """A question and where to look, as the API takes it; an assistant reads fewer passages."""

    limit: int = Field(default=5, ge=1, le=MOST_PASSAGES)


class Arguments(BaseModel):
    """Takes nothing that it does not know."""

    model_config = ConfigDict(extra="forbid")


class ListArguments(Arguments):
    """Which documents."""

    state: str | None = Field(
        default=None,
        max_length=40,
        description="published, gaps, failed, waiting, or an exact state.",
    )
    tags: list[Tag] = Field(default=[], max_length=MAX_TAGS, description="All of them.")
    limit: int = Field(default=50, ge=1, le=100)
    cursor: str | None = Field(
        default=None, max_length=200, description="`next` of the page before."
    )


class DocumentArguments(Arguments):
    """One document."""

    document: UUID = Field(description="`document_id` of a passage, or `id` of the list.")


class PageArguments(DocumentArguments):
    """One page of a document."""

    page: int = Field(default=1, ge=1, lt=2**31, description="From 1.")


class PictureArguments(PageArguments):
    """One page's picture."""

    width: int = Field(default=1000, ge=200, le=WIDEST_PICTURE, description="In pixels.")


def read_arguments(kind: type[Given], given: Mapping[str, Any] | None) -> Given:
    """The arguments of a tool, checked.

    Raises:
        Unprocessable: some are wrong; the sentence names them and repeats no value.
    """
    try:
        return kind.model_validate(given or {})
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        named = "; ".join(_described(each) for each in found[:_SHOWN_ERRORS])
        raise Unprocessable(
            f"The arguments are wrong: {named}.", remedy="Correct them and call the tool again."
        ) from None


def _described(error: Mapping[str, Any]) -> str:
    # The names of arguments come from outside, and are of any length.
    where = ".".join(str(part) for part in error["loc"])[:_SHOWN_WORDS] or "arguments"
    return f"{where}: {str(error['msg']).removeprefix('Value error, ')[:_SHOWN_WORDS]}"
