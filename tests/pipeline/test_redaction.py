"""Redaction: secrets are blotted out by their form and by their value, and nothing else is."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from pipeline.redaction import Redaction, secrets_of
from pipeline.settings import Settings


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("key sk-proj-abcdef123456 refused", "key *** refused"),
        ("llx-abcdefgh", "***"),
        ("whsec_abcdefgh", "***"),
        ("Authorization: Bearer abc.def-ghi", "Authorization: ***"),
        ("token eyJhbGciOiJI.eyJzdWIiOiJh.c2lnbmF0dXJl!", "token ***!"),
        ("postgresql://me:pa55@db.example/x", "postgresql://***@db.example/x"),
        ("GET /x?part=1&signature=abc&y=2", "GET /x?part=1&signature=***&y=2"),
        ("https://s3/x?X-Amz-Signature=abc", "https://s3/x?X-Amz-Signature=***"),
    ],
)
def test_secrets_are_known_by_their_form(said: str, left: str) -> None:
    """Keys, tokens and passwords, wherever they stand."""
    assert Redaction().text(said) == left


@pytest.mark.parametrize(
    "said",
    ["billed 4 tokens", "task-1 of 2", "http://127.0.0.1:8000/api/v1", "the risk-free sky-blue one",
     "7d3c1f0e-0000-4000-8000-000000000001", "bearer of news"],
)  # fmt: skip
def test_ordinary_words_stay(said: str) -> None:
    """What is no secret is not touched."""
    assert Redaction().text(said) == said


def test_secrets_are_known_by_their_value_and_name() -> None:
    """Whatever the settings hold as secret, and whatever stands under a secret's name."""
    settings = Settings(
        database_url=SecretStr("postgresql://u:canary-password@h/d"),
        storage_options={"secret_access_key": "canary-storage"},
        jwt_secret=SecretStr("canary-jwt-secret-of-thirty-two-letters"),
    )
    redaction = Redaction(secrets_of(settings))
    said = {
        "reason": "canary-password, canary-storage and canary-jwt-secret-of-thirty-two-letters",
        "api_key": "anything",
        "tokens": 7,
        "list": ["canary-storage", 1, None],
        "storage_key": "user/raw/abc",
    }
    assert redaction.value(said) == {
        "reason": "***, *** and ***",
        "api_key": "***",
        "tokens": 7,
        "list": ["***", 1, None],
        "storage_key": "user/raw/abc",
    }
