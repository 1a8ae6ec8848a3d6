"""`navigator space` and `navigator golden`: a model is changed from the command line."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from mocks import OpenAIMock
from pipeline.identity import user_id
from pipeline.settings import load_settings
from pipeline.store import golden_questions
from pipeline.store.engine import Database
from stages.services import open_services
from stages.spaces.space_settings import SpaceSettings
from tests.app.navigating import Navigator
from tests.flows.corpus import policy
from tests.ingesting import ingest
from tests.stages.spaces.building import built

SECOND = ("--model", "text-embedding-3-small", "--dimension", "64", "--api-key", "env:SECOND_KEY")


def filled(database_url: str, home: Path, folder: Path, openai: OpenAIMock) -> str:
    """A published document, and the id of a second space that has it; as its flow fills it."""
    settings = load_settings(
        home=home, database_url=database_url, embedder="wordllama", parse_workers=1
    )
    second = SpaceSettings(
        embedder="openai", embedding_model="text-embedding-3-small", embedding_dimension=64,
        openai_base_url=openai.base_url, api_key="env:SECOND_KEY",
    )  # fmt: skip

    async def fill() -> str:
        async with open_services(settings) as services:
            await ingest(services, [folder], user_id(settings.user))
            space, _ = await built(services, second)
            return str(space.id)

    return asyncio.run(fill())


def test_a_model_is_changed_and_changed_back(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its cost is told, it is compared, refused, forced, rolled back and dropped."""
    folder = tmp_path / "policies"
    folder.mkdir()
    policy(folder, "home")
    monkeypatch.setenv("SECOND_KEY", "sk-test")
    with OpenAIMock() as openai:
        second = (*SECOND, "--base-url", openai.base_url)
        navigator = Navigator(
            tmp_path / "home", {"DATABASE_URL": database_url, "NAVIGATOR_EMBEDDER": "wordllama"}
        )
        built_id = filled(database_url, tmp_path / "home", folder, openai)
        planned = navigator.here("space", "build", *second, "--dry-run", "--json").json
        assert (planned["id"], planned["documents"]) == (built_id, 0)
        other = (*second[:3], "32", *second[4:])
        asked = navigator.here("space", "build", *other)
        assert (asked.code, "Give --yes" in asked.err) == (2, True)
        refused = navigator.here("space", "switch")
        assert (refused.code, "no golden questions" in refused.err) == (2, True)
        added = navigator.here("golden", "add", "what is paid for a loss of kind 2", "--json")
        [question] = added.json["questions"]
        assert navigator.here("space", "compare", "--json").json["questions"] == 1
        switched = navigator.here("space", "switch", "--force", "a test", "--json").json
        assert switched["to"] == built_id
        assert navigator.here("search", "loss of kind 2", "--json").json["passages"]
        assert navigator.here("space", "rollback").code == 0
        found = navigator.here("space", "list", "--json").json["spaces"]
        assert sorted(each["stands"] for each in found) == ["answers", "kept"]
        assert navigator.here("space", "drop", built_id, "--yes").code == 0
        assert navigator.here("golden", "remove", question["id"]).code == 0
        assert navigator.here("golden", "list", "--json").json["questions"] == []


def test_golden_questions_of_the_file_and_of_the_database_are_listed(
    database_url: str, tmp_path: Path
) -> None:
    """Each with where it is kept; a user's own are shown to that user alone, and can be removed."""
    anna, ben, kept = uuid4(), uuid4(), uuid4()
    navigator = Navigator(
        tmp_path / "home", {"DATABASE_URL": database_url, "NAVIGATOR_EMBEDDER": "wordllama"}
    )
    assert navigator.here("golden", "add", "Hail?", "--quote", "hail").code == 0

    async def keep() -> None:
        database = Database(database_url, pool_size=1)
        async with database.service() as connection:
            await golden_questions.keep(connection, kept, anna, "Ice?", [{"quote": "ice"}])
        await database.close()

    asyncio.run(keep())

    def listed(user: UUID) -> list[tuple[str, str]]:
        found = navigator.here("golden", "list", "--user", str(user), "--json").json["questions"]
        return [(each["question"], each["kept_in"]) for each in found]

    assert listed(anna) == [("Hail?", "file"), ("Ice?", "database")]
    assert listed(ben) == [("Hail?", "file")]
    short = str(kept)[:8]
    shown = navigator.here("golden", "list", "--user", str(anna)).out
    assert [word in shown for word in (short, "file", "database")] == [True] * 3
    assert navigator.here("golden", "remove", short, "--user", str(ben)).code == 2
    assert navigator.here("golden", "remove", short, "--user", str(anna)).code == 0
    assert listed(anna) == [("Hail?", "file")]


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
        (("golden", "add", "a", "--quote", "b", "--file", "/no/such/folder"), "cannot be written"),
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
