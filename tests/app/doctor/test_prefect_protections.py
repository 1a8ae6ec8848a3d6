"""What `doctor` says of the protections around Prefect."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from app.doctor.diagnosis import Verdict
from app.doctor.prefect_protections import ingest_folders, prefect_server
from app.prefect.access import auth_file, own_auth_string
from pipeline.settings import load_settings
from tests.prefect_server import PrefectServer


async def test_the_password_is_ours_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All is well with a private file; one that others may read is a problem with its remedy."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    settings = load_settings(home=tmp_path)
    own_auth_string(tmp_path / "prefect")
    found = await prefect_server(settings, AsyncExitStack())
    assert found.verdict is Verdict.OK
    auth_file(tmp_path / "prefect").chmod(0o644)
    found = await prefect_server(settings, AsyncExitStack())
    assert (found.verdict, "0644" in found.detail) == (Verdict.PROBLEM, True)


@pytest.mark.slow
async def test_an_open_server_is_told(
    tmp_path: Path, prefect_server: PrefectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server of somebody else's without a password is noted, for whoever reaches it."""
    from app.doctor.prefect_protections import prefect_server as look

    monkeypatch.setenv("PREFECT_API_URL", prefect_server.url)
    found = await look(load_settings(home=tmp_path), AsyncExitStack())
    assert (found.verdict, "operator" in found.detail) == (Verdict.NOTE, True)
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    assert (await look(load_settings(home=tmp_path), AsyncExitStack())).verdict is Verdict.OK


@pytest.mark.parametrize(
    ("roots", "verdict", "said"),
    [
        ("", Verdict.OK, "no files"),
        ("/srv/policies", Verdict.OK, "/srv/policies only"),
        ("policies", Verdict.PROBLEM, "not absolute"),
        ("/", Verdict.PROBLEM, "secrets"),
    ],
)
async def test_folders_of_runs(tmp_path: Path, roots: str, verdict: Verdict, said: str) -> None:
    """What is named is told; a root around the home folder, or none at all, too."""
    settings = load_settings(home=tmp_path, ingest_roots=roots)
    found = await ingest_folders(settings, AsyncExitStack())
    assert (found.verdict, said in found.detail) == (verdict, True)
