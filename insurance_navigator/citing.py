"""Passages as frameworks take them: a text for a model to read, and metadata to cite it by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any
from uuid import UUID

from insurance_navigator.results import Passage
from pipeline.quotable import citation

FILTERS = frozenset({"mode", "limit", "document", "tags", "roles", "user", "rerank"})
"""What a retriever takes for all of its questions, or for one."""


def readable(passage: Passage) -> str:
    """The text, after what a reader sees beside it: a row says little without its columns."""
    return f"{passage.context}\n{passage.text}" if passage.context else passage.text


def metadata(passage: Passage) -> dict[str, Any]:
    """Every field but the text, as plain JSON values, and `citation` to quote it by."""
    said = {each.name: _plain(getattr(passage, each.name)) for each in fields(passage)}
    del said["text"]
    pages = passage.page_first, passage.page_last
    return {**said, "citation": citation(passage.document, *pages, passage.heading_path)}


def chosen(always: Mapping[str, Any], once: Mapping[str, Any]) -> dict[str, Any]:
    """The filters of one question.

    Raises:
        TypeError: one is none.
    """
    if unknown := set(once) - FILTERS:
        raise TypeError(f"search takes no {', '.join(sorted(unknown))}")
    return {**always, **once}


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
