"""Options of a run, saved blocks, and the Prefect server that the blocks are read from."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.run_options import RunOptions
from pipeline.settings import Settings, load_settings
from tests.app.navigating import SAMPLES, Navigator
from tests.prefect_server import PrefectServer, prepare_home

BLOCKS = {
    "NAVIGATOR_PARSER_BLOCK": "navigator-local-parser/nobody-saved-it",
    "NAVIGATOR_EMBEDDER_BLOCK": "navigator-local-embedder/nobody-saved-it",
}
FILE = SAMPLES / "renters-policy.md"
CHOSEN = ("--parser", "local", "--embedder", "wordllama")


@pytest.fixture
def blocked(prefect_server: PrefectServer, database_url: str, tmp_path: Path) -> Navigator:
    """The command with settings that name blocks which its Prefect server does not have."""
    variables = {**BLOCKS, "DATABASE_URL": database_url, "NAVIGATOR_USER": "anna"}
    return Navigator(
        tmp_path / "home",
        {**variables, "PREFECT_API_URL": prefect_server.url, "NAVIGATOR_PARSE_WORKERS": "1"},
    )


@pytest.mark.long
def test_options_go_before_blocks_in_a_plan_and_in_an_ingest(blocked: Navigator) -> None:
    """Who names a parser and an embedder needs no block; who names none is told what is missing."""
    plan = blocked("plan", *CHOSEN, FILE, "--json")
    assert (plan.code, len(plan.json["documents"])) == (0, 1), plan.err
    done = blocked("ingest", *CHOSEN, FILE, "--json")
    assert (done.code, done.json["documents"][0]["status"]) == (0, "published"), done.err
    for command in (("plan", FILE), ("ingest", *CHOSEN[:2], FILE), ("search", "theft")):
        ended = blocked(*command)
        assert ended.code == 2
        assert "Prefect has no block" in ended.err


@pytest.mark.long
def test_blocks_are_read_from_the_server_that_a_run_would_use(
    database_url: str, tmp_path: Path
) -> None:
    """Without PREFECT_API_URL it is the home folder's own, with its password: no other is asked."""
    navigator = Navigator(tmp_path / "home", {"DATABASE_URL": database_url})
    prepare_home(navigator.home)
    ended = navigator("search", "theft", **BLOCKS)
    assert ended.code == 2
    assert "Prefect has no block 'navigator-local-embedder/nobody-saved-it'" in ended.err
    assert (navigator.home / "prefect" / "auth-string").exists()


@pytest.mark.parametrize("parser", ["local", None])
@pytest.mark.parametrize("embedder", ["wordllama", None])
def test_one_rule_for_every_way_in(
    parser: str | None, embedder: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Command line, deployment parameters and the settings agree on what goes before what."""
    for name, value in BLOCKS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NAVIGATOR_PARSER", "local")
    ways: list[Settings] = [
        RunOptions(parser=parser, embedder=embedder).settings(),
        RunOptions.model_validate({"parser": parser, "embedder": embedder}).settings(),
        load_settings(parser=parser, embedder=embedder),
    ]
    for found in ways:
        assert (found.parser_block is None) is (parser is not None)
        assert (found.embedder_block is None) is (embedder is not None)
        assert found.reads_pictures is (parser is None)
        assert found == ways[0]
