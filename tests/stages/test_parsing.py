"""Parsing a group: what is there twice is parsed once, and one bad file is its own trouble."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ParseCode, ParseError
from pipeline.identity import user_id
from stages.services import Services
from tests.flows.corpus import Opener, documents, policy
from tests.ingesting import ingest

ANNA = user_id("anna")


def counted(services: Services, monkeypatch: pytest.MonkeyPatch, broken: bytes) -> list[bytes]:
    """What is parsed from now on; the parser has a bug that `broken` meets."""
    parsed: list[bytes] = []
    parse = services.parser.parse_small

    def counting(content: bytes, *rest: Any) -> Any:
        parsed.append(content)
        if content == broken:
            raise ZeroDivisionError
        return parse(content, *rest)

    monkeypatch.setattr(services.parser, "parse_small", counting)
    return parsed


async def test_the_same_bytes_twice_in_a_batch_are_parsed_once(
    local: Opener, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second of two equal files finds its text stored; both are published with it."""
    first = policy(folder, "first")
    shutil.copy(first, folder / "second.md")
    other = policy(folder, "other")
    async with local(batch_size=8) as services:
        parsed = counted(services, monkeypatch, b"")
        run = await ingest(services, [folder], ANNA)
        ended = await documents(services, run)
    assert sorted(parsed) == sorted([first.read_bytes(), other.read_bytes()])
    assert {each.state for each in ended.values()} == {"complete"}
    assert ended["first.md"].chunks == ended["second.md"].chunks


async def test_a_bug_in_the_parser_ends_its_document_alone(
    local: Opener, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that nobody foresaw, met by one text of a group, leaves the others alone."""
    bad = policy(folder, "bad")
    policy(folder, "fine")
    async with local(batch_size=8) as services:
        counted(services, monkeypatch, bad.read_bytes())
        run = await ingest(services, [folder], ANNA)
        ended = await documents(services, run)
    crashed = ParseError(ParseCode.CRASHED, "")
    assert (ended["bad.md"].state, ended["bad.md"].error_code) == ("failed_parse", crashed.code)
    assert "ZeroDivisionError" in (ended["bad.md"].error_message or "")
    assert ended["fine.md"].state == "complete"
