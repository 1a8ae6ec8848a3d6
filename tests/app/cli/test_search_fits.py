"""A question that the documents answer, and one that they do not, on the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.identity import user_id
from pipeline.settings import load_settings
from pipeline.store.embedded import start_embedded, stop_embedded
from stages.services import open_services
from tests.app.navigating import SAMPLES, Navigator
from tests.ingesting import ingest

ANSWERED = "How long do I wait for dental crowns?"
NOT = "What is the capital of France?"


@pytest.fixture(scope="module")
def navigator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Navigator]:
    """One published document, with the local embedder."""
    home = tmp_path_factory.mktemp("fits") / "home"
    start_embedded(home / "postgres")
    asyncio.run(_publish(home))
    yield Navigator(home)
    stop_embedded(home / "postgres")


async def _publish(home: Path) -> None:
    async with open_services(load_settings(home=home, embedder="wordllama")) as services:
        await ingest(services, [SAMPLES / "dental-benefit-schedule.html"], user_id("local"))


def test_an_answer_fits(navigator: Navigator) -> None:
    """Exit code 0, with a relevance in place of a score that says nothing."""
    told = navigator.here("search", ANSWERED)
    assert told.code == 0, told.err
    assert "relevance 0." in told.out
    assert "Nothing in your documents fits" not in told.err
    found = navigator.here("search", ANSWERED, "--json").json
    assert (found["fits"], found["answered_by"], found["warning"]) == (True, "hybrid", None)
    assert 0 < found["passages"][0]["relevance"] <= 1


def test_nothing_fits(navigator: Navigator) -> None:
    """Exit code 3, a sentence, and the nearest passages as a perhaps; the same for a program."""
    told = navigator.here("search", NOT)
    assert told.code == 3
    assert "Nothing in your documents fits. Perhaps" in told.err
    assert "1. " in told.out
    again = navigator.here("search", NOT, "--json")
    assert (again.code, again.json["fits"]) == (3, False)
    assert again.json["passages"]
    assert again.json["relevance"] < navigator.here("search", ANSWERED, "--json").json["relevance"]


def test_the_threshold_is_a_setting(navigator: Navigator) -> None:
    """With 0 everything fits, as before there was a threshold; with 1 hardly anything."""
    assert navigator.here("search", NOT, NAVIGATOR_SEARCH_LEAST_RELEVANCE="0").code == 0
    assert navigator.here("search", ANSWERED, NAVIGATOR_SEARCH_LEAST_RELEVANCE="1").code == 3
