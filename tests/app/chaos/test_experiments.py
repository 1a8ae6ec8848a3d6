"""Short forms of the experiments: the real command, killed and raced, keeps the promises."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.chaos import kills, workers
from app.chaos.experiments import Plan
from app.chaos.installations import SETTINGS, Installation, mock_variables
from mocks import LlamaParseMock, OpenAIMock
from pipeline.store.database_urls import Addresses
from tests.prefect_server import PrefectServer

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(400)]


@pytest.fixture
def place(
    prefect_server: PrefectServer, database_url: str, tmp_path: Path
) -> Iterator[Installation]:
    """An installation on the session's Postgres and Prefect."""
    with OpenAIMock(latency=0.1) as openai, LlamaParseMock() as llamaparse:
        variables = {
            **prefect_server.environment, **SETTINGS, **mock_variables(openai, llamaparse),
            "DATABASE_URL": database_url, "NAVIGATOR_HOME": str(tmp_path / "home"),
        }  # fmt: skip
        made = Installation(tmp_path, Addresses(database_url), openai, llamaparse, variables)
        yield made
        made.end()


@pytest.mark.answers_lost(2, "each kill may come between an answer and its entry")
def test_random_kills_of_the_command_lose_nothing(place: Installation) -> None:
    """Killed at two random moments and run once more: the clean corpus, and the clean bill."""
    outcome = kills.run(Plan(seed=3, documents=4, seconds=300, faults=2), place)
    assert outcome.verdict.breaches == []
    assert outcome.faults == {"kills": 2}


def test_commands_that_race_share_the_work(place: Installation) -> None:
    """Three at once over one folder: each document parsed once and published in one version."""
    place.variables = {**place.variables, **workers.SETTINGS}
    outcome = workers.run(Plan(seed=4, documents=6, seconds=300, faults=3), place)
    assert outcome.verdict.breaches == []
    assert outcome.facts == {"parse_jobs": 6}
    assert outcome.faults == {"workers": 3, "submissions": 18}
