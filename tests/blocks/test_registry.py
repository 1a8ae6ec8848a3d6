"""The block types as a real Prefect server keeps them, and as a run uses them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from prefect.blocks.core import Block

from blocks.registry import (
    BLOCK_TYPES,
    DatabaseBlock,
    LlamaParseBlock,
    LocalEmbedderBlock,
    LocalParserBlock,
    OpenAIEmbedderBlock,
    StorageBlock,
)
from pipeline.errors import ConfigurationError
from pipeline.settings import MIB, Settings
from stages.services import open_services
from tests.prefect_server import PrefectServer

# Apprise loads all its channels at first use, and one of them an old module of Python's.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

SECRET = "canary-7f3e"


@pytest.fixture
def server(prefect_server: PrefectServer) -> Iterator[PrefectServer]:
    with prefect_server.in_this_process():
        yield prefect_server


def filled_in() -> dict[str, Block]:
    """One block of every type, with a secret wherever there is room for one."""
    from blocks.registry import AlertBlock

    examples: list[Block] = [
        DatabaseBlock(host="db", database="navigator", username="navigator", password=SECRET),
        StorageBlock(
            address="s3://bucket/prefix",
            options={"region": "eu-central-1"},
            secret_options={"secret_access_key": SECRET},
        ),
        LlamaParseBlock(api_key=SECRET, tier="agentic"),
        LocalParserBlock(ocr=True),
        OpenAIEmbedderBlock(api_key=SECRET, usd_per_million_tokens=0.02),
        LocalEmbedderBlock(),
        AlertBlock(address=f"json://user:{SECRET}@127.0.0.1/x"),
    ]
    return {each.get_block_type_slug(): each for each in examples}


def test_registered_by_prefects_command(prefect_server: PrefectServer) -> None:
    """Prefect's own command registers every type, each with a description for the form."""
    prefect_server.prefect("block", "register", "-m", "blocks.registry")
    for block_type in BLOCK_TYPES:
        slug = block_type.get_block_type_slug()
        kept = httpx.get(f"{prefect_server.url}/block_types/slug/{slug}").json()
        assert kept["name"].startswith("Navigator ")
        assert "Insurance Navigator" in kept["description"]


def test_fields_have_titles() -> None:
    """A person who fills the form in reads titles, not names of variables."""
    for block_type in BLOCK_TYPES:
        for name, field in block_type.model_fields.items():
            assert field.title, f"{block_type.__name__}.{name}"


@pytest.mark.parametrize("slug", [each.get_block_type_slug() for each in BLOCK_TYPES])
async def test_round_trip(server: PrefectServer, slug: str) -> None:
    """A saved block comes back as it was, and its secrets leave the server only when asked for."""
    block = filled_in()[slug]
    await block.asave("round-trip", overwrite=True)
    loaded: Any = await Block.aload(f"{slug}/round-trip")
    assert type(loaded) is type(block)
    assert loaded.model_dump(mode="json") == block.model_dump(mode="json")
    secret = block.model_json_schema()["secret_fields"] != []
    async with httpx.AsyncClient() as client:
        address = f"{server.url}/block_types/slug/{slug}/block_documents/name/round-trip"
        assert SECRET not in (await client.get(address)).text
        whole = (await client.get(address, params={"include_secrets": True})).text
        assert (SECRET in whole) == secret
    assert SECRET not in repr(loaded)


async def test_settings_lead_to_blocks(
    server: PrefectServer, database_url: str, tmp_path: Path
) -> None:
    """A run uses the database, storage, parser and embedder of the blocks its settings name."""
    address = sa.make_url(database_url)
    await DatabaseBlock(
        host=address.host or "",
        port=address.port or 5432,
        database=address.database,
        username=address.username,
        password=address.password or "",
        connection_options=dict(address.query),
    ).asave("used", overwrite=True)
    folder = tmp_path / "objects"
    await StorageBlock(address=folder.as_uri()).asave("used", overwrite=True)
    await LlamaParseBlock(api_key=SECRET, tier="agentic").asave("used", overwrite=True)
    await OpenAIEmbedderBlock(api_key=SECRET, model="text-embedding-3-large").asave(
        "used", overwrite=True
    )
    settings = Settings(
        home=tmp_path,
        database_block="navigator-database/used",
        storage_block="navigator-storage/used",
        parser_block="navigator-llamaparse/used",
        embedder_block="navigator-openai-embedder/used",
    )
    async with open_services(settings) as services:
        async with services.database.service() as connection:
            name = await connection.scalar(sa.text("SELECT current_database()"))
        await services.storage.put("a/b", b"bytes")
        assert name == address.database
        assert (folder / "a" / "b").read_bytes() == b"bytes"
        assert services.version.parser == "llamaparse-v2-agentic-1"
        assert services.embedder.space.model == "text-embedding-3-large"


async def test_local_parser_block(server: PrefectServer, database_url: str, tmp_path: Path) -> None:
    """A local parser's block takes the place of the settings for parsing."""
    await LocalParserBlock(ocr=True, memory_mib=256).asave("used", overwrite=True)
    settings = Settings(
        home=tmp_path, database_url=database_url, parser_block="navigator-local-parser/used"
    )
    async with open_services(settings) as services:
        assert services.settings.parse_memory_bytes == 256 * MIB
        assert services.version.parser.endswith("+ocr")
        assert services.remote_parser is None


async def test_unknown_block(server: PrefectServer, database_url: str, tmp_path: Path) -> None:
    """A block that nobody has saved is one sentence that names it."""
    settings = Settings(
        home=tmp_path, database_url=database_url, embedder_block="navigator-openai-embedder/none"
    )
    with pytest.raises(ConfigurationError, match="navigator-openai-embedder/none"):
        async with open_services(settings):
            pass


def test_database_block_engine(database_url: str) -> None:
    """The connector of prefect-sqlalchemy gives an engine with the block's credentials."""
    address = sa.make_url(database_url)
    block = DatabaseBlock(
        host=address.host or "",
        port=address.port or 5432,
        database=address.database,
        username=address.username,
        password=address.password or "",
        connection_options=dict(address.query),
    )
    with block.connector() as connector, connector.get_engine().connect() as connection:
        assert connection.scalar(sa.text("SELECT current_database()")) == address.database
    connector.get_engine().dispose()


def test_password_survives_the_address() -> None:
    """Characters that mean something in an address may be in a password."""
    password = "p@ss:/?#%[ word"
    block = DatabaseBlock(host="db", database="d", username="u", password=password)
    assert sa.make_url(block.url()).password == password


def test_onnx_needs_a_folder() -> None:
    """A form without the folder of its model is refused when it is saved."""
    with pytest.raises(ValueError, match="needs a folder"):
        LocalEmbedderBlock(model="onnx")


def test_loggers_are_left_alone() -> None:
    """Importing the blocks changes no logger's level."""
    assert logging.getLogger("apprise").disabled is False
