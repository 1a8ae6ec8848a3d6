"""The rule for connections: what counts as this machine, as TLS, as an exception, and as plain."""

from __future__ import annotations

import pytest

from pipeline import transport
from pipeline.errors import ConfigurationError
from pipeline.settings import load_settings
from pipeline.store.database_urls import driver_url
from pipeline.transport import PlainHosts, Transport

LOCAL, TLS, UNPROVEN, EXCEPTED, PLAIN = (
    Transport.LOCAL, Transport.TLS, Transport.UNPROVEN, Transport.EXCEPTED, Transport.PLAIN,
)  # fmt: skip
ALLOWED = PlainHosts.of("postgres, mocks 10.1.0.0/16 192.168.7.7")

URLS = {
    "https://api.openai.com/v1": TLS,
    "HTTPS://Example.org": TLS,
    "https://127.0.0.1:1/": LOCAL,
    "http://127.0.0.1:8010/v1": LOCAL,
    "http://127.9.9.9/": LOCAL,
    "http://[::1]:8010/": LOCAL,
    "http://[::ffff:127.0.0.1]/": LOCAL,
    "http://LOCALHOST./": LOCAL,
    "http://tests.localhost/": LOCAL,
    "http://localhost.example.org/": PLAIN,
    "http://127.0.0.1.example.org/": PLAIN,
    "http://localhost@example.org/": PLAIN,
    "http://2130706433/": PLAIN,
    "http://0.0.0.0/": PLAIN,
    "http://mocks:8010/": EXCEPTED,
    "http://Mocks.:8010/": EXCEPTED,
    "http://mocks.example.org/": PLAIN,
    "http://10.1.2.3/": EXCEPTED,
    "http://10.2.2.3/": PLAIN,
    "http://192.168.7.7/": EXCEPTED,
    "http://example.org#@mocks/": PLAIN,
    "http://[::1/": PLAIN,
    "ftp://example.org/": PLAIN,
    "": PLAIN,
    "file:///srv/objects": LOCAL,
    "memory:///": LOCAL,
    "s3://bucket/prefix": TLS,
}


def test_urls() -> None:
    """A host is this machine's by its own name only, and an exception by exactly its own."""
    assert {url: transport.of_url(url, ALLOWED) for url in URLS} == URLS


DATABASES = {
    "postgresql://u:p@db.example.org/x": PLAIN,
    "postgresql://u:p@db.example.org/x?sslmode=prefer": PLAIN,
    "postgresql://u:p@db.example.org/x?sslmode=allow": PLAIN,
    "postgresql://u:p@db.example.org/x?sslmode=disable": PLAIN,
    "postgresql://u:p@db.example.org/x?sslmode=require": UNPROVEN,
    "postgresql://u:p@db.example.org/x?sslmode=verify-ca": UNPROVEN,
    "postgresql://u:p@db.example.org/x?sslmode=verify-full": TLS,
    "postgresql://u:p@db.example.org/x?sslmode=VERIFY-FULL": PLAIN,
    "postgresql://u:p@postgres:5432/x": EXCEPTED,
    "postgresql://u:p@10.1.9.9/x": EXCEPTED,
    "postgresql://u:p@localhost/x": LOCAL,
    "postgresql:///x?host=/run/postgresql": LOCAL,
    "postgresql:///x": LOCAL,
    "postgresql:///x?host=db.example.org": PLAIN,
    "postgresql:///x?host=localhost,db.example.org": PLAIN,
    "postgresql:///x?host=localhost&host=db.example.org": PLAIN,
    "postgresql://u:p@localhost/x?hostaddr=10.9.9.9": PLAIN,
    "postgresql://u:p@postgres/x?hostaddr=10.9.9.9": PLAIN,
    "postgresql:///x?service=prod": PLAIN,
    "postgresql:///x?service=prod&sslmode=verify-full": TLS,
}


def test_databases() -> None:
    """Every host that libpq may connect to counts, and only modes that never fall back to plain."""
    found = {url: transport.of_postgres(driver_url(url), {}, ALLOWED) for url in DATABASES}
    assert found == DATABASES


@pytest.mark.parametrize(
    ("environment", "url", "found"),
    [
        ({"PGSSLMODE": "verify-full"}, "postgresql://u@db.example.org/x", TLS),
        ({"PGSSLMODE": "verify-full"}, "postgresql://u@db.example.org/x?sslmode=prefer", PLAIN),
        ({"PGHOST": "db.example.org"}, "postgresql:///x", PLAIN),
        ({"PGHOSTADDR": "10.9.9.9"}, "postgresql:///x", PLAIN),
        ({"PGSERVICE": "prod"}, "postgresql:///x", PLAIN),
        ({"PGHOST": "db.example.org"}, "postgresql://u@localhost/x", LOCAL),
    ],
)
def test_libpqs_variables_count(environment: dict[str, str], url: str, found: Transport) -> None:
    """They say what the URL leaves out."""
    assert transport.of_postgres(driver_url(url), environment, ALLOWED) is found


@pytest.mark.parametrize(
    ("url", "options", "environment", "found"),
    [
        ("s3://bucket", {}, {}, TLS),
        ("s3://bucket", {"endpoint": "https://s3.example.org"}, {}, TLS),
        ("s3://bucket", {"endpoint": "http://s3.example.org", "allow_http": "true"}, {}, PLAIN),
        ("s3://bucket", {"AWS_ENDPOINT": "HTTP://s3.example.org"}, {}, PLAIN),
        ("s3://bucket", {"endpoint": "http://127.0.0.1:9000"}, {}, LOCAL),
        ("s3://bucket", {"endpoint": "http://mocks:9000"}, {}, EXCEPTED),
        ("s3://bucket", {}, {"AWS_ENDPOINT_URL": "http://s3.example.org"}, PLAIN),
        ("s3://bucket", {}, {"AWS_ENDPOINT_URL_S3": "http://s3.example.org"}, PLAIN),
        ("s3://bucket", {"endpoint": "https://a.example"}, {"AWS_ENDPOINT_URL": "http://b"}, TLS),
        ("s3://bucket", {"allow_invalid_certificates": "true"}, {}, UNPROVEN),
        ("s3://bucket", {"proxy_url": "http://proxy.example.org"}, {}, TLS),
        ("gs://bucket", {"base_url": "http://gcs.example.org"}, {}, PLAIN),
        ("http://files.example.org/x", {}, {}, PLAIN),
        ("file:///srv", {}, {}, LOCAL),
    ],
)  # fmt: skip
def test_storages(
    url: str, options: dict[str, str], environment: dict[str, str], found: Transport
) -> None:
    """An endpoint counts wherever it stands; a proxy's address is none."""
    assert transport.of_storage(url, options, environment, ALLOWED) is found


@pytest.mark.parametrize("said", ["*", "*.example.org", "0.0.0.0/0", "::/0", "http://db", "a@b"])
def test_an_exception_names_its_host(said: str) -> None:
    """Nothing that stands for everybody, and no address of another form."""
    with pytest.raises(ConfigurationError, match="NAVIGATOR_PLAIN_HOSTS"):
        load_settings(plain_hosts=said)


def test_a_plain_connection_is_refused_with_what_to_do() -> None:
    """The sentence says which connection, and how it gets TLS or an exception."""
    with pytest.raises(ConfigurationError, match="to Postgres leaves this machine") as refused:
        transport.require(PLAIN, "The connection to Postgres", transport.POSTGRES_REMEDY)
    assert "sslmode=verify-full" in refused.value.remedy
    assert "NAVIGATOR_PLAIN_HOSTS" in refused.value.remedy
    for found in (LOCAL, TLS, UNPROVEN, EXCEPTED):
        transport.require(found, "", "")
