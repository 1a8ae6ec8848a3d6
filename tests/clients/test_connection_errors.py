"""Connections that cannot be, over real sockets and real certificates: what a person is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from clients.llamaparse.client import LlamaParseClient
from clients.network.certificates import NAMED_BY
from clients.network.connection_errors import WronglyAddressed
from clients.openai.embedder import OpenAIEmbedder
from pipeline.errors import ConfigurationError, NavigatorError, ServiceUnavailable
from tests.clients.authority import Authority, served

KEY = SecretStr("sk-test")
Ask = Callable[[str], Awaitable[NavigatorError | None]]


async def ask_embedder(url: str) -> NavigatorError | None:
    """What the embedder says of a service."""
    embedder = OpenAIEmbedder(KEY, base_url=f"{url}/v1", timeout=10)
    try:
        await embedder.embed(["x"])
    except NavigatorError as error:
        return error
    finally:
        await embedder.close()
    return None


async def ask_parser(url: str) -> NavigatorError | None:
    """What LlamaParse's client says of a service."""
    client = LlamaParseClient(KEY, base_url=url, timeout=10)
    try:
        await client.find("0" * 64)
    except NavigatorError as error:
        return error
    finally:
        await client.close()
    return None


@pytest.fixture(params=[ask_embedder, ask_parser], ids=["embedder", "parser"])
def ask(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Each client, in an environment that names no certificates."""
    for name in NAMED_BY:
        monkeypatch.delenv(name, raising=False)
    asked: Ask = request.param
    return asked


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """A company's own."""
    return Authority.made(tmp_path)


async def test_a_certificate_of_an_unknown_authority_is_said_to_be_that(
    ask: Ask, authority: Authority
) -> None:
    """The message says that it is not trusted, and the remedy which variable names the root."""
    with served(authority.context()) as port:
        error = await ask(f"https://127.0.0.1:{port}")
    assert isinstance(error, WronglyAddressed)
    assert "is not trusted" in error.message
    assert "SSL_CERT_FILE" in error.remedy
    assert "tried again by itself" not in error.remedy


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
async def test_an_authority_that_is_named_is_trusted(
    variable: str, ask: Ask, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of the usual variables counts: the service itself is heard."""
    monkeypatch.setenv(variable, str(authority.file))
    with served(authority.context(), status=404) as port:
        error = await ask(f"https://127.0.0.1:{port}")
    assert error is not None
    assert "HTTP 404" in error.message


async def test_a_certificate_for_another_name_is_said_to_be_that(
    ask: Ask, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trusted, but for another host: the address is to be corrected."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with served(authority.context(name="gateway.example.com")) as port:
        error = await ask(f"https://127.0.0.1:{port}")
    assert isinstance(error, WronglyAddressed)
    assert "for another name than 127.0.0.1" in error.message
    assert "_BASE_URL" in error.remedy


async def test_a_certificate_that_has_expired_is_waited_for(
    ask: Ask, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the service's to renew, so the documents wait; the clock may be to blame."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with served(authority.context(ended=True)) as port:
        error = await ask(f"https://127.0.0.1:{port}")
    assert isinstance(error, ServiceUnavailable)
    assert "has expired" in error.message
    assert "clock" in error.remedy


async def test_a_server_without_tls_is_said_to_have_none(ask: Ask) -> None:
    """An https address of a plain http server: the remedy is the other scheme."""
    with served() as port:
        error = await ask(f"https://127.0.0.1:{port}")
    assert isinstance(error, WronglyAddressed)
    assert "does not speak TLS" in error.message
    assert "http://" in error.remedy


@pytest.mark.parametrize(
    "body",
    [
        b"<html><title>400 The plain HTTP request was sent to HTTPS port</title></html>",
        b"Client sent an HTTP request to an HTTPS server.",
    ],
    ids=["nginx", "go"],
)
async def test_a_tls_port_that_is_asked_in_plain_is_no_document_s_fault(
    body: bytes, ask: Ask
) -> None:
    """Its 400 is about the address, not about a text."""
    with served(status=400, body=body) as port:
        error = await ask(f"http://127.0.0.1:{port}")
    assert isinstance(error, ConfigurationError)
    assert "https://" in error.remedy


async def test_a_name_that_nobody_knows_is_named(ask: Ask) -> None:
    """The host is in the sentence, and the setting in the remedy."""
    error = await ask("http://service.invalid")
    assert isinstance(error, ServiceUnavailable)
    assert "service.invalid" in error.message
    assert "cannot be looked up" in error.message
    assert "_BASE_URL" in error.remedy


async def test_a_port_where_nothing_listens_is_named(ask: Ask) -> None:
    """Host and port are in the sentence: it may not run, or run elsewhere."""
    with served() as port:
        pass
    error = await ask(f"http://127.0.0.1:{port}")
    assert isinstance(error, ServiceUnavailable)
    assert f"nothing listens at 127.0.0.1:{port}" in error.message


@pytest.mark.parametrize("content", [None, "no certificate"], ids=["missing", "no certificate"])
async def test_trusted_certificates_that_cannot_be_read_are_a_sentence(
    content: str | None, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable is named; no library's error comes through."""
    path = tmp_path / "company.pem"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    error = await ask("https://127.0.0.1:1")
    assert isinstance(error, ConfigurationError)
    assert "REQUESTS_CA_BUNDLE" in error.message
