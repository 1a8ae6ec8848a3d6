"""A saved block as an option of one run: by its name, never by what it holds."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pipeline.run_options import RunOptions


def test_a_name_is_kept_and_used() -> None:
    """A block goes before the environment's embedder, and its name is all that is kept."""
    options = RunOptions.model_validate({"embedder_block": "navigator-local-embedder/here"})
    assert options.settings().embedder_block == "navigator-local-embedder/here"
    assert options.model_dump(mode="json")["embedder_block"] == "navigator-local-embedder/here"


@pytest.mark.parametrize(
    "written",
    [
        "navigator-alert/ops",
        "navigator-openai-embedder",
        "navigator-openai-embedder/",
        {"api_key": "sk-1"},
        {"block_document_id": "x"},
        {},
    ],
)
def test_anything_else_is_refused(written: object) -> None:
    """A block of another kind, half a name or a block's values are no choice."""
    with pytest.raises(ValidationError):
        RunOptions.model_validate({"embedder_block": written})


def test_only_references_fit_the_form() -> None:
    """Each choice has its type, and a schema that no values of a block fit."""
    found = RunOptions.model_json_schema()["$defs"]
    assert found["NavigatorAlert"]["block_type_slug"] == "navigator-alert"
    assert all(each["not"] == {} for name, each in found.items() if name.startswith("Navigator"))
