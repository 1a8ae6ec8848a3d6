"""`navigator space` and `navigator golden`: a model is changed from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from mocks import OpenAIMock
from tests.app.navigating import Navigator
from tests.flows.corpus import policy

SECOND = ("--model", "text-embedding-3-small", "--dimension", "64", "--api-key", "env:SECOND_KEY")


@pytest.mark.timeout(400)
def test_a_model_is_changed_and_changed_back(database_url: str, tmp_path: Path) -> None:
    """Built with its cost told, compared, refused, forced, rolled back, dropped."""
    folder = tmp_path / "policies"
    folder.mkdir()
    policy(folder, "home")
    with OpenAIMock() as openai:
        second = (*SECOND, "--base-url", openai.base_url)
        variables = {
            "DATABASE_URL": database_url, "SECOND_KEY": "sk-test", "NAVIGATOR_EMBEDDER": "wordllama"
        }  # fmt: skip
        navigator = Navigator(tmp_path / "home", variables)
        assert navigator.here("ingest", folder).code == 0
        planned = navigator.here("space", "build", *second, "--dry-run", "--json").json
        assert planned["documents"] == 1
        assert planned["cost_usd"] > 0
        asked = navigator.here("space", "build", *second)
        assert (asked.code, "Give --yes" in asked.err) == (2, True)
        assert openai.stats()["requests"] == 0
        built = navigator.here("space", "build", *second, "--yes", "--json")
        assert built.json["lacking"] == 0, built.err
        refused = navigator.here("space", "switch")
        assert (refused.code, "no golden questions" in refused.err) == (2, True)
        added = navigator.here("golden", "add", "what is paid for a loss of kind 2", "--json")
        [question] = added.json["questions"]
        assert navigator.here("space", "compare", "--json").json["questions"] == 1
        switched = navigator.here("space", "switch", "--force", "a test", "--json").json
        assert switched["to"] == built.json["id"]
        assert navigator.here("search", "loss of kind 2", "--json").json["passages"]
        assert navigator.here("space", "rollback").code == 0
        standing = {
            each["model"]: each["stands"]
            for each in navigator.here("space", "list", "--json").json["spaces"]
        }
        assert sorted(standing.values()) == ["answers", "kept"]
        assert navigator.here("space", "drop", built.json["id"], "--yes").code == 0
        assert navigator.here("golden", "remove", question["id"]).code == 0
        assert navigator.here("golden", "list", "--json").json["questions"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("space", "build"), "answers already"),
        (("space", "build", "--api-key", "hunter2"), "not as they are"),
        (("space", "compare", "nothing"), "no embedding space"),
        (("space", "rollback"), "nothing to go back to"),
        (("space", "drop", "nothing"), "no embedding space"),
        (("golden", "add", "a", "--page", "3"), "A page alone"),
        (("golden", "add", "a", "--quote", "b", "--rank", "1"), "contradict"),
        (("golden", "draw"), "nothing published"),
        (("golden", "remove", "0"), "no golden question"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(
    database_url: str, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    """Wrong use ends with code 2, and names no secret."""
    navigator = Navigator(
        tmp_path / "home", {"DATABASE_URL": database_url, "NAVIGATOR_EMBEDDER": "wordllama"}
    )
    refused = navigator.here(*arguments)
    assert (refused.code, said in refused.err) == (2, True), refused.err
    assert "hunter2" not in refused.err
