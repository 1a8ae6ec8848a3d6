"""From settings to services: what cannot work is said in one sentence that names the setting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigurationError, DatabaseUnavailable, NavigatorError
from pipeline.settings import load_settings
from stages.services import open_reading, open_services
from tests.prefect_server import PrefectServer

CANARY = "canary-7d1f"


def settings(url: str, home: Path, **others: Any) -> Any:
    """Settings that work, with some changed."""
    return load_settings(**({"database_url": url, "home": home, "parse_workers": 1} | others))


def assert_speaks(error: NavigatorError) -> None:
    """One sentence, a remedy, and no secret in either."""
    assert error.message.endswith(".")
    assert "\n" not in error.message
    assert error.remedy
    assert CANARY not in error.message + error.remedy


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"chunk_tokens": 32, "chunk_overlap_tokens": 20}, "NAVIGATOR_CHUNK_OVERLAP_TOKENS"),
        ({"embedder": "openai"}, "NAVIGATOR_EMBEDDER=openai needs OPENAI_API_KEY"),
        ({"embedder": "onnx"}, "NAVIGATOR_EMBEDDER=onnx needs NAVIGATOR_ONNX_FOLDER"),
        ({"parser": "llamaparse"}, "NAVIGATOR_PARSER=llamaparse needs LLAMA_CLOUD_API_KEY"),
        ({"database_url": f"mysql://root:{CANARY}@host/db"}, "DATABASE_URL: must begin with"),
        ({"chunk_tokens": CANARY}, "NAVIGATOR_CHUNK_TOKENS"),
        ({"storage_options": CANARY}, "NAVIGATOR_STORAGE_OPTIONS"),
        ({"llama_cloud_tier": CANARY}, "NAVIGATOR_LLAMA_CLOUD_TIER"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_settings_that_contradict_are_refused(wrong: dict[str, Any], sentence: str) -> None:
    """Each wrong setting is named as its variable, and its value is not repeated."""
    with pytest.raises(ConfigurationError, match=sentence) as refused:
        load_settings(**wrong)
    assert_speaks(refused.value)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"storage_url": "file:///dev/null/objects"}, "The storage folder"),
        ({"storage_url": f"nonsense://{CANARY}"}, "The storage URL cannot be used"),
        (
            {"embedder": "openai", "openai_api_key": CANARY, "openai_base_url": "ftp://host"},
            "OPENAI_BASE_URL",
        ),
        (
            {"embedder": "openai", "openai_api_key": CANARY, "embedding_model": "unheard-of"},
            "dimension",
        ),
        (
            {"embedder": "openai", "openai_api_key": CANARY, "embedding_dimension": 4000},
            "dimension",
        ),
        (
            {"parser": "llamaparse", "llama_cloud_api_key": CANARY,
             "llama_cloud_base_url": "http://user:password@host"},
            "LLAMA_CLOUD_BASE_URL",
        ),
        ({"embedder": "onnx", "onnx_folder": "/nonexistent"}, "onnx|ONNX|folder"),
    ],
    ids=["folder", "storage", "address", "model", "dimension", "llamaparse", "onnx"],
)  # fmt: skip
async def test_services_that_cannot_be_opened_say_why(
    wrong: dict[str, Any], sentence: str, database_url: str, tmp_path: Path
) -> None:
    """Storage, embedder and parser are checked when the services open, and nothing stays open."""
    with pytest.raises(ConfigurationError, match=sentence) as refused:
        async with open_services(settings(database_url, tmp_path, **wrong)):
            pass
    assert_speaks(refused.value)


@pytest.mark.slow
@pytest.mark.parametrize("slug", ["navigator-storage/never-saved", "never-heard-of/x", "nonsense"])
async def test_a_block_that_is_not_saved_is_said_so(
    slug: str, prefect_server: PrefectServer, database_url: str, tmp_path: Path
) -> None:
    """A setting that names no block of Prefect's is repeated, with what to do."""
    with prefect_server.in_this_process():
        wrong = settings(database_url, tmp_path, storage_block=slug)
        with pytest.raises(ConfigurationError, match=f"Prefect has no block '{slug}'") as refused:
            async with open_services(wrong):
                pass
    assert_speaks(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://postgres:{CANARY}@127.0.0.1:1/postgres",
        f"postgresql://postgres:{CANARY}@no-such-host.invalid/postgres?sslmode=require",
    ],
)
async def test_a_database_that_is_not_there_is_said_so(url: str, tmp_path: Path) -> None:
    """Refused connections and unknown hosts are one sentence without the password."""
    with pytest.raises(DatabaseUnavailable) as gone:
        async with open_reading(settings(url, tmp_path)):
            pass
    assert_speaks(gone.value)


async def test_an_unknown_database_is_said_so(postgres_url: str, tmp_path: Path) -> None:
    """A server without the named database is no traceback."""
    url = postgres_url.replace("/postgres?", "/no_such_database?")
    with pytest.raises(NavigatorError) as gone:
        async with open_reading(settings(url, tmp_path)):
            pass
    assert_speaks(gone.value)


async def test_everything_open_is_what_the_settings_say(database_url: str, tmp_path: Path) -> None:
    """Versions, worker and provider follow from the settings, the same each time."""
    options = {"chunk_tokens": 100, "chunk_overlap_tokens": 10}
    async with open_services(settings(database_url, tmp_path, **options)) as first:
        assert first.chunker.max_tokens == 100
        assert first.provider == "local/" + first.embedder.space.model
        assert first.version.space_id == first.embedder.space.id
    async with open_services(settings(database_url, tmp_path, **options)) as second:
        assert (second.version, second.worker, second.installation) == (
            first.version, first.worker, first.installation,
        )  # fmt: skip
    async with open_services(settings(database_url, tmp_path, ocr=True)) as other:
        assert other.version.parser != first.version.parser
        assert other.version.chunker != first.version.chunker


async def test_chunks_are_never_larger_than_the_model_reads(
    database_url: str, tmp_path: Path
) -> None:
    """A chunk size beyond the model's limit is lowered to it, overlap and all."""
    large = settings(
        database_url, tmp_path, chunk_tokens=8000, chunk_overlap_tokens=2000, embedder="wordllama"
    )
    async with open_services(large) as services:
        limit = services.embedder.limits.max_input_tokens
        assert services.chunker.max_tokens == min(8000, limit)
        assert services.chunker.overlap_tokens <= services.chunker.max_tokens // 3
