"""The declared structure is what the migrations build."""

from __future__ import annotations

import pytest

from deployments.structure.building import build_structure
from deployments.structure.declared import declared_structure
from pipeline.errors import ConfigurationError
from pipeline.store.migrating import head_revision
from pipeline.store.structure import differences


async def test_the_newest_schema_is_described(database_url: str) -> None:
    """The file of the newest revision is what `python -m deployments.structure` would write."""
    built = await build_structure(database_url)
    declared = declared_structure(head_revision())
    assert differences(declared, built) == []
    assert built == declared


def test_an_unknown_revision_is_refused() -> None:
    """A schema that this version does not describe is told in a sentence."""
    with pytest.raises(ConfigurationError, match="schema 9999 is not described"):
        declared_structure("9999")
