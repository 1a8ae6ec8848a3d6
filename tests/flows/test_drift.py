"""The flow `drift`: an artifact, a state that says that drift is left, and an alert."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client

import flows.drift
from deployments.drift.difference import Area, Difference, Repair
from flows.drift import drift
from tests.prefect_server import PrefectServer

pytestmark = pytest.mark.slow

LEFT = Difference(Area.QUEUE, "batches", "limit", None, "1", "It is slower.", "x", Repair.SAFE)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What a person is told."""
    kept: list[tuple[str, str]] = []

    async def tell(_: Any, subject: str, news: str, __: Any) -> None:
        kept.append((subject, news))

    monkeypatch.setattr(flows.drift, "tell_news", tell)
    return kept


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, database_url: str, tmp_path: Path) -> None:
    """Of the worker."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("NAVIGATOR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NAVIGATOR_EMBEDDER", "wordllama")


def finding(monkeypatch: pytest.MonkeyPatch, found: Sequence[Difference]) -> None:
    """Have the comparison, which has tests of its own, find this."""

    async def find(*_: Any, **__: Any) -> Sequence[Difference]:
        return found

    monkeypatch.setattr(flows.drift, "find_drift", find)


@pytest.mark.usefixtures("settings")
async def test_drift_that_is_left_is_shown_and_told(
    prefect_server: PrefectServer, monkeypatch: pytest.MonkeyPatch, told: list[tuple[str, str]]
) -> None:
    """The run ends as Drift, with a table of everything; the alert names objects, no values."""
    finding(monkeypatch, [LEFT])
    with prefect_server.in_this_process():
        state = await drift(return_state=True)
        async with get_client() as client:
            artifacts = await client.read_artifacts()
    assert (state.name, state.is_completed()) == ("Drift", True)
    assert state.message == "1 difference of local from what it declares."
    [shown] = [each for each in artifacts if each.key == "drift"]
    assert "| queue batches: limit | nothing | 1 | It is slower. | x |" in str(shown.data)
    [(subject, news)] = told
    assert subject == "Drift was found"
    assert "- queue batches: limit" in news


@pytest.mark.usefixtures("settings")
async def test_nobody_is_told_of_no_drift(
    prefect_server: PrefectServer, monkeypatch: pytest.MonkeyPatch, told: list[tuple[str, str]]
) -> None:
    """A clean environment ends as any other run does."""
    finding(monkeypatch, [])
    with prefect_server.in_this_process():
        state = await drift(return_state=True)
    assert (state.name, told) == ("Completed", [])
