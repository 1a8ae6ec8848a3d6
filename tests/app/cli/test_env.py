"""`navigator env` and `navigator --environment`: shown, compared, checked, entered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import yaml

from deployments.environment_files import load_environment
from deployments.prefect_api import path_of, prefect_api
from deployments.work_pool import put_work_pool
from tests.app.navigating import Navigator
from tests.prefect_server import PrefectServer

SECRET = "canary-7f31"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of environments of one's own."""
    made = tmp_path / "environments"
    made.mkdir()
    return made


@pytest.fixture
def navigator(tmp_path: Path, folder: Path) -> Navigator:
    """The command with its own home and environments."""
    return Navigator(tmp_path / "home", {"NAVIGATOR_ENVIRONMENTS": str(folder)})


def written(folder: Path, name: str, **keys: object) -> None:
    """An environment over the base."""
    (folder / f"{name}.yaml").write_text(yaml.safe_dump({"extends": "base", **keys}))


def test_environments_are_listed(navigator: Navigator, folder: Path) -> None:
    """Each stands with its server and pool; one that is wrong is told and hides no other."""
    written(folder, "mine", prefect={"api_url": "http://127.0.0.1:9/api"})
    written(folder, "wrong", settings={"chunk_tokns": 1})
    found = navigator.here("env", "list", "--json").json
    lines = {each["name"]: each for each in found["environments"]}
    assert lines["mine"]["prefect"] == "http://127.0.0.1:9/api"
    assert "chunk_tokns is no setting" in lines["wrong"]["problem"]
    assert "chunk_tokns" in navigator.here("env", "list").out


def test_what_is_shown_is_the_same_environment(navigator: Navigator, folder: Path) -> None:
    """The merged file, saved under its name, is the same environment."""
    written(
        folder,
        "mine",
        settings={"ocr": True, "storage_url": "s3://mine"},
        secrets={"openai_api_key": {"env": "MINE"}, "database_url": {"file": "/run/database"}},
        automations={"a": {"trigger": {"type": "event"}, "actions": [{"type": "do-nothing"}]}},
    )
    shown = navigator.here("env", "show", "mine", "--format", "yaml")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("NAVIGATOR_ENVIRONMENTS", str(folder))
        first = load_environment("mine")
        (folder / "mine.yaml").write_text(shown.out)
        assert load_environment("mine") == first
    printed = navigator.here("env", "show", "mine", "--format", "json").json
    assert printed["environment"]["secrets"]["openai_api_key"] == {"env": "MINE"}


def test_variables_are_shown_without_secrets(navigator: Navigator, folder: Path) -> None:
    """A secret is a comment that says where it is found, also when it is there."""
    gate = {"words_found": 0.5}
    written(
        folder,
        "mine",
        settings={"ocr": True, "gate_limits": gate},
        secrets={"openai_api_key": {"env": "MINE"}},
    )
    shown = navigator.here("env", "show", "mine", "--format", "env", MINE=SECRET).out.splitlines()
    assert "# OPENAI_API_KEY: variable MINE" in shown
    assert "NAVIGATOR_OCR=true" in shown
    assert "NAVIGATOR_GATE_LIMITS='{\"words_found\": 0.5}'" in shown
    assert SECRET not in "".join(shown)


def test_two_environments_are_compared_key_by_key(navigator: Navigator, folder: Path) -> None:
    """Each key that differs stands alone, with both values, or with the one that there is."""
    written(folder, "one", settings={"ocr": True}, deployments={"ingest": {"limit": 9}})
    written(folder, "two", deployments={"nightly": None})
    found = navigator.here("env", "diff", "one", "two", "--json").json["differences"]
    keys = {each["key"]: each for each in found}
    assert keys["settings.ocr"] == {
        "key": "settings.ocr", "only_in": "one", "values": [True, None],
    }  # fmt: skip
    assert keys["deployments.ingest.limit"]["values"] == [9, 4]
    assert keys["deployments.nightly.limit"]["only_in"] == "one"
    assert "deployments.ingest.flow" not in keys
    assert "deployments.ingest.limit" in navigator.here("env", "diff", "one", "two").out
    assert "say the same" in navigator.here("env", "diff", "one", "one").out


@pytest.fixture
def pool(prefect_server: PrefectServer) -> Iterator[str]:
    """The name of a work pool, which is removed again."""
    name = f"pool-{uuid4().hex[:8]}"
    yield name
    with prefect_api(prefect_server.url, changing=True) as server:
        server.remove(path_of("work_pools", name))


def test_a_sound_environment_is_found_so(
    navigator: Navigator, folder: Path, prefect_server: PrefectServer, pool: str, database_url: str
) -> None:
    """Secrets, database, server, pool and queues are there: exit 0, and no value is told."""
    written(
        folder,
        "mine",
        prefect={"api_url": prefect_server.url},
        pool={"name": pool, "limit": 3},
        secrets={"database_url": {"env": "MINE"}, "openai_api_key": {"env": "KEY"}},
        settings={"openai_base_url": f"{prefect_server.url}/health"},
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("NAVIGATOR_ENVIRONMENTS", str(folder))
        environment = load_environment("mine")
    given = {"MINE": database_url, "KEY": SECRET}
    before = navigator.here("env", "check", "mine", **given)
    assert before.code == 1 and f"There is no work pool {pool} on the server." in before.out
    with prefect_api(prefect_server.url, changing=True) as server:
        put_work_pool(server, environment)
    found = navigator.here("env", "check", "mine", "--json", **given)
    assert found.code == 0, found.out
    assert found.json["ok"] and {each["part"] for each in found.json["findings"]} == {
        "schema", "Prefect server", "secret database_url", "secret openai_api_key",
        "database_url", "openai_base_url", "work pool",
    }  # fmt: skip
    assert SECRET not in found.out and database_url not in found.out


def test_what_is_wrong_is_a_sentence_each(navigator: Navigator, folder: Path) -> None:
    """A missing secret, database and server are told one by one, with what to do; exit 1."""
    dead = "http://127.0.0.1:9/api"
    written(
        folder,
        "mine",
        prefect={"api_url": dead},
        settings={"jwks": f"http://anna:{SECRET}@127.0.0.1:9/keys"},
        secrets={
            "database_url": {"env": "MINE"},
            "metrics_token": {"env": "GONE"},
            "openai_api_key": {"prefect_secret": "openai"},
        },
    )
    found = navigator.here("env", "check", "mine", "--json", MINE="postgresql://127.0.0.1:9/x")
    assert found.code == 1
    problems = {each["part"]: each["problem"] for each in found.json["findings"]}
    assert dead in problems["Prefect server"]
    assert problems["jwks"].startswith("http://127.0.0.1:9/keys") and SECRET not in found.out
    assert problems["secret metrics_token"].endswith("is not there: variable GONE.")
    assert dead in problems["secret openai_api_key"]
    assert problems["database_url"] and problems["secret database_url"] == ""
    wrong = navigator.here("env", "check", "other")
    assert wrong.code == 1 and "There is no environment 'other'" in wrong.out


def test_a_command_is_wholly_of_its_environment(
    navigator: Navigator, folder: Path, database_url: str
) -> None:
    """It has the environment's database, and nothing of the shell's or of the file of settings."""
    navigator.home.mkdir()
    (navigator.home / ".env").write_text("NAVIGATOR_EMBEDDER=unknown\n")
    (navigator.home / ".env").chmod(0o600)
    written(folder, "mine", secrets={"database_url": {"env": "MINE"}})
    given = {"MINE": database_url, "NAVIGATOR_PARSER": "unknown"}
    found = navigator.here("--environment", "mine", "status", "--json", **given)
    assert found.code == 0, found.err
    assert not (navigator.home / "postgres").exists()
    by_variable = navigator.here("status", "--json", NAVIGATOR_ENVIRONMENT="mine", **given)
    assert by_variable.json == found.json
    outside = navigator.here("status", "--json", **given)
    assert outside.code == 2 and "NAVIGATOR_PARSER" in outside.err
    assert "NAVIGATOR_EMBEDDER" in outside.err


def test_a_missing_secret_is_told_before_anything_is_done(
    navigator: Navigator, folder: Path
) -> None:
    """A command of an environment without its secrets ends at once, with where they should be."""
    written(folder, "mine", secrets={"database_url": {"env": "MINE"}})
    found = navigator.here("--environment", "mine", "status")
    assert found.code == 2 and "database_url (variable MINE)" in found.err
    assert not navigator.home.exists()


def test_an_environment_and_a_file_of_settings_exclude_each_other(
    navigator: Navigator, folder: Path, tmp_path: Path
) -> None:
    """An environment has all its settings, so another file is wrong use."""
    written(folder, "mine")
    (tmp_path / "other.env").write_text("NAVIGATOR_USER=x\n")
    found = navigator.here("--environment", "mine", "--env-file", tmp_path / "other.env", "status")
    assert found.code == 2 and "--env-file cannot be added" in found.err


def test_env_looks_from_outside(navigator: Navigator, folder: Path) -> None:
    """`navigator env` works also where the environment that is named lacks its secrets."""
    written(folder, "mine", secrets={"database_url": {"env": "MINE"}})
    found = navigator.here("env", "show", "mine", NAVIGATOR_ENVIRONMENT="mine")
    assert found.code == 0 and "MINE" in found.out
