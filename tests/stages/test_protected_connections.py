"""No part of a run is opened over a plain connection to another machine."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from pipeline.errors import ConfigurationError, DatabaseUnavailable
from pipeline.settings import Settings, load_settings
from stages.parsers import open_remote_parser
from stages.services import open_database, open_embedder, open_storage
from stages.transport_findings import State, connection_findings, transport_findings
from tests.clients.authority import Authority
from tests.tls_postgres import USER, tls_postgres


def settings(tmp_path: Path, **given: Any) -> Settings:
    """Settings of a home that nothing is in."""
    return load_settings(home=tmp_path / "home", embedder="wordllama", **given)


FAR = SecretStr("postgresql://u:secret@db.example.org/x")


async def test_each_login_of_postgres_needs_tls(tmp_path: Path) -> None:
    """The variable is named, and neither password nor host is told."""
    near = SecretStr("postgresql://u@localhost/x")
    for name in ("database_url", "database_reader_url", "database_owner_url"):
        given = settings(tmp_path, **{"database_url": near, name: FAR})
        async with AsyncExitStack() as stack:
            with pytest.raises(ConfigurationError, match=name.upper()) as refused:
                await open_database(given, stack)
        assert "secret" not in refused.value.message + refused.value.remedy


async def test_storage_embedder_and_parser_need_tls(tmp_path: Path) -> None:
    """Each is refused before anything is sent."""
    endpoint = {"endpoint": "http://s3.example.org", "allow_http": "true"}
    with pytest.raises(ConfigurationError, match="storage leaves this machine"):
        await open_storage(settings(tmp_path, storage_url="s3://b", storage_options=endpoint))
    openai = {"embedder": "openai", "openai_api_key": "k", "openai_base_url": "http://gpu.example"}
    with pytest.raises(ConfigurationError, match="embedder leaves this machine"):
        await open_embedder(load_settings(**openai))
    parser = {"parser": "llamaparse", "llama_cloud_api_key": "llx-k"}
    plain = settings(tmp_path, **parser, llama_cloud_base_url="http://parse.example")
    with pytest.raises(ConfigurationError, match="parsing service leaves this machine"):
        await open_remote_parser(plain)
    told = {"public_url": "http://api.example", "llama_cloud_webhook_secret": "s" * 16}
    with pytest.raises(ConfigurationError, match="webhooks leaves this machine"):
        await open_remote_parser(settings(tmp_path, **parser, **told))


async def test_a_named_host_is_an_exception_that_is_told(tmp_path: Path) -> None:
    """It may be opened, and stands among the findings as what it is."""
    endpoint = {"endpoint": "http://minio:9000", "allow_http": "true", "region": "r"}
    given = settings(
        tmp_path, storage_url="s3://b", storage_options=endpoint, plain_hosts="minio other"
    )
    await open_storage(given)
    found = {each.name: each async for each in connection_findings(given)}
    assert found["Storage"].state is State.NOTE
    assert found["Storage"].detail == "plain, by exception"
    refused = given.model_copy(update={"plain_hosts": "other"})
    found = {each.name: each async for each in connection_findings(refused)}
    assert (found["Storage"].state, found["Storage"].detail) == (State.PROBLEM, "plain")
    assert "NAVIGATOR_PLAIN_HOSTS" in found["Storage"].remedy


async def test_everything_here_is_told_as_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The local default makes no connection that leaves the machine; disks cannot be seen into."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    found = await transport_findings(settings(tmp_path))
    told = {each.name: each for each in found}
    assert {told[name].detail.split(";")[0] for name in ("Postgres", "Storage", "Embedder")} == {
        "this machine"
    }
    assert "cannot be seen" in told["Encryption of the database"].detail
    assert "cannot be seen" in told["Encryption of stored files"].detail
    assert not [each for each in found if each.state is State.PROBLEM]


async def test_a_postgres_with_tls_says_so_itself(tmp_path: Path) -> None:
    """With its authority's file the name is proven; with another's nothing is sent."""
    (tmp_path / "other").mkdir()
    authority, other = Authority.made(tmp_path), Authority.made(tmp_path / "other")
    with tls_postgres(authority) as port:
        base = f"postgresql://{USER}@127.0.0.1:{port}/postgres?sslmode"

        def asked(query: str) -> Settings:
            url = SecretStr(f"{base}={query}")
            return settings(tmp_path, database_url=url, database_patience_seconds=0)

        proven = asked(f"verify-full&sslrootcert={authority.file}")
        found = {each.name: each async for each in connection_findings(proven)}
        assert found["Postgres"].state is State.OK
        assert found["Postgres"].detail.startswith("TLS; Postgres says TLSv1.")
        for query in (f"verify-full&sslrootcert={other.file}", "disable"):
            async with AsyncExitStack() as stack:
                with pytest.raises(DatabaseUnavailable):
                    await open_database(asked(query), stack)
