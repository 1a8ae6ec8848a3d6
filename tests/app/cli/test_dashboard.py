"""The link to the dashboard: it leads to the API that is known, and signs in there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from app.api.authentication import TokenVerifier
from app.cli.dashboard import link
from pipeline.errors import UsageError
from pipeline.identity import user_id
from pipeline.settings import load_settings


def test_the_link_signs_its_user_in(tmp_path: Path) -> None:
    """The token stands behind the #, and the API takes it for that user."""
    settings = load_settings(home=tmp_path, public_url="https://navigator.example/")
    address, _, token = link(settings, "anna", service=False, hours=1).partition("#token=")
    caller = asyncio.run(TokenVerifier(settings).verify(token))
    assert address == "https://navigator.example/"
    assert (caller.user_id, caller.is_service) == (user_id("anna"), False)


def test_without_an_api_there_is_no_link(tmp_path: Path) -> None:
    """A person is told how to start one."""
    with pytest.raises(UsageError, match="No API runs") as raised:
        link(load_settings(home=tmp_path), "anna", service=False, hours=1)
    assert "navigator up" in raised.value.remedy
