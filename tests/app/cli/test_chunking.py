"""`navigator chunking` over the samples: it shows, plans, asks, and changes for every process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import make_url

from tests.app.navigating import Navigator, ended
from tests.conftest import administer


@pytest.fixture
def remembering(navigator: Navigator) -> Iterator[Navigator]:
    """The corpus; what it remembers is put back."""
    yield navigator
    navigator.here("chunking", "use", 600, "--overlap", 50, "--yes", "--json")


def test_a_new_home_has_the_recommended_sizes(navigator: Navigator) -> None:
    """Nothing is recommended that is there already."""
    shown = navigator.here("chunking", "--json").json
    told = {"tokens": 600, "overlap_tokens": 50, "set": False, "recommended": None, "note": None}
    assert shown == {"format": 1, **told}


def test_a_change_is_planned_asked_for_and_followed(remembering: Navigator) -> None:
    """A dry run changes nothing; without a yes nothing is changed; then every command follows."""
    use = ("chunking", "use", 200)
    planned = remembering.here(*use, "--dry-run", "--json").json
    assert (planned["changed"], planned["tokens"], planned["overlap_tokens"]) == (False, 200, 50)
    assert planned["outdated"] >= 12
    assert planned["new_chunks"] > 0
    refused = remembering.here(*use)
    assert (refused.code, "outdated" in refused.err) == (2, True)
    assert remembering.here("chunking", "--json").json["tokens"] == 600
    assert remembering.here(*use, "--yes", "--json").json["changed"]
    told = remembering.here("status")
    assert "Chunks have 200 tokens here" in " ".join(told.err.split())
    assert "`navigator chunking use 600 --dry-run`" in " ".join(told.err.split())
    asked = remembering.here("chunking", NAVIGATOR_CHUNK_TOKENS="300")
    assert "300 tokens at most, up to 50 of them repeated, as a setting says" in asked.out


def test_two_first_commands_agree(postgres_url: str, tmp_path: Path) -> None:
    """Two processes that meet on an empty database begin with the same sizes."""
    name = f"navigator_first_{uuid4().hex[:8]}"
    administer(postgres_url, f"CREATE DATABASE {name}")
    try:
        url = make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
        navigator = Navigator(tmp_path / "home", {"NAVIGATOR_DATABASE_URL": url})
        both = [navigator.start("chunking", "--json") for _ in range(2)]
        assert [ended(each).json["tokens"] for each in both] == [600, 600]
    finally:
        administer(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize(
    ("arguments", "variables", "sentence"),
    [
        ((300, "--overlap", 101), {}, "more than a third"),
        ((300,), {"NAVIGATOR_CHUNK_TOKENS": "400"}, "NAVIGATOR_CHUNK_TOKENS is set"),
    ],
)
def test_what_would_have_no_effect_is_refused(
    navigator: Navigator, arguments: tuple[object, ...], variables: dict[str, str], sentence: str
) -> None:
    """A setting goes first, and an overlap has to fit; both are said."""
    refused = navigator.here("chunking", "use", *arguments, "--yes", **variables)
    assert refused.code == 2
    assert sentence in " ".join(refused.err.split())
