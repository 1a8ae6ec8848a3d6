"""Settings given by keyword, and the environment in which another process reads the same."""

from __future__ import annotations

import os
from pathlib import Path
from unittest.mock import patch

import pytest

from insurance_navigator.given_settings import environment_with, given_settings
from pipeline.settings import load_settings

GIVEN: list[dict[str, object]] = [
    {"chunk_tokens": 300, "time_limit_factor": 0.5},
    {"home": Path("relative/home")},
    {"database_url": "postgresql://anna:pass@db/corpus", "storage_url": "s3://bucket"},
    {"storage_options": {"region": "eu", "key": "a b"}},
    {"ocr": True, "embedder": "openai", "openai_api_key": "sk-test-123456"},
    {"jwt_secret": "s" * 40, "user": "anna", "max_pages": None},
]


@pytest.mark.parametrize("given", GIVEN, ids=lambda each: "+".join(each))
def test_another_process_reads_the_same(given: dict[str, object]) -> None:
    """Numbers, paths, secrets, switches and JSON survive the way through the environment."""
    wanted = given_settings(given)
    with patch.dict(os.environ, environment_with(os.environ, given, wanted), clear=True):
        found = load_settings()
    assert found.model_dump(exclude={"home"}) == wanted.model_dump(exclude={"home"})
    assert found.home == wanted.home.absolute()


def test_what_is_given_goes_before_a_block_of_the_environment() -> None:
    """Also in the other process, whose environment no longer names the block."""
    given: dict[str, object] = {"storage_url": "s3://bucket"}
    with patch.dict(os.environ, {"NAVIGATOR_STORAGE_BLOCK": "navigator-storage/old"}):
        wanted = given_settings(given)
        environment = environment_with(os.environ, given, wanted)
    assert wanted.storage_block is None
    assert "NAVIGATOR_STORAGE_BLOCK" not in environment
