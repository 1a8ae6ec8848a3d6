"""What `doctor` says of connections and of encryption at rest."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from app.doctor.diagnosis import Verdict
from app.doctor.transport_protections import connections, encryption_at_rest
from pipeline.settings import load_settings


async def test_each_connection_is_told_and_the_worst_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This machine's are fine, an exception is noted, a plain one is a problem with its remedy."""
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect:4200/api")
    given = load_settings(home=tmp_path, embedder="wordllama", plain_hosts="prefect")
    found = await connections(given, AsyncExitStack())
    assert found.verdict is Verdict.NOTE
    assert "Storage: this machine" in found.detail
    assert "Prefect: plain, by exception" in found.detail
    plain = given.model_copy(update={"plain_hosts": ""})
    found = await connections(plain, AsyncExitStack())
    assert (found.verdict, "PREFECT_API_URL" in found.remedy) == (Verdict.PROBLEM, True)


async def test_what_cannot_be_seen_is_said(tmp_path: Path) -> None:
    """A disk is its machine's to encrypt, and no connection tells whether it is."""
    found = await encryption_at_rest(load_settings(home=tmp_path), AsyncExitStack())
    assert (found.verdict, found.detail.count("cannot be seen")) == (Verdict.NOTE, 2)
