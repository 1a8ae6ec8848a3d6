"""Environments as files: one schema, one base, secrets only as references."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployments.environment import Environment
from deployments.environment_files import environment_names, load_environment, merge
from deployments.environment_variables import enter
from pipeline.errors import ConfigurationError

SHIPPED = ("local", "production", "staging")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of environments of one's own."""
    monkeypatch.setenv("NAVIGATOR_ENVIRONMENTS", str(tmp_path))
    return tmp_path


def test_shipped_environments_are_valid() -> None:
    """The three environments that are shipped have the schema."""
    assert tuple(environment_names()) == SHIPPED
    found = [load_environment(name) for name in SHIPPED]
    assert {each.pool.name for each in found} == {"navigator"}
    assert all(each.deployments.keys() == found[0].deployments.keys() for each in found)


def test_a_file_changes_single_keys_of_what_it_extends(folder: Path) -> None:
    """A limit is changed, all else of the deployment stays; null takes a deployment away."""
    (folder / "mine.yaml").write_text(
        "extends: base\ndeployments: {ingest: {limit: 9}, nightly: null}\n"
    )
    made = load_environment("mine")
    assert made.deployments["ingest"].limit == 9
    assert made.deployments["ingest"].flow == "ingest"
    assert "nightly" not in made.deployments
    assert merge({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}) == {"a": {"b": 3, "c": 2}}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("settings: {chunk_tokns: 400}", "chunk_tokns is no setting"),
        ("settings: {openai_api_key: sk-1}", "openai_api_key is secret"),
        ("settings: {chunk_tokens: many}", "chunk_tokens"),
        ("secrets: {openai_api_key: sk-1}", "secrets.openai_api_key"),
        ("secrets: {openai_api_key: {env: A, file: /b}}", "exactly one of"),
        ("pool: {type: kubernetes}", "needs an image"),
        ("pool: {typ: process}", "pool.typ"),
        ("deployments: {ingest: {queue: gone}}", "names the queue 'gone'"),
        ("deployments: {ingest: {schedules: {a: {}}}}", "either cron or interval"),
        ("services: {kind: command}", "needs a command"),
        ("- a list", "no mapping"),
        ("extends: mine", "extends itself"),
        ("{", "cannot be read"),
    ],
)
def test_what_is_wrong_is_said(folder: Path, written: str, said: str) -> None:
    """A wrong key, value or reference is one sentence that names it and repeats no value."""
    extends = "" if written.startswith(("extends", "- ", "{")) else "extends: base\n"
    (folder / "mine.yaml").write_text(extends + written)
    with pytest.raises(ConfigurationError) as raised:
        load_environment("mine")
    assert said in raised.value.message
    assert "sk-1" not in raised.value.message


def test_a_missing_environment_is_told_with_those_there_are(folder: Path) -> None:
    """A wrong name is answered with the right ones."""
    (folder / "mine.yaml").write_text("extends: base\n")
    with pytest.raises(ConfigurationError) as raised:
        load_environment("other")
    assert "mine" in raised.value.remedy


def made(**keys: object) -> Environment:
    """An environment of these keys."""
    return Environment.model_validate(
        {"name": "mine", "prefect": {"api_url": "http://127.0.0.1:1/api"}, **keys}
    )


def test_a_process_of_an_environment_has_nothing_of_another(tmp_path: Path) -> None:
    """Variables of settings that the environment does not name are gone; its own are there."""
    (tmp_path / "key").write_text("from-a-file\n")
    process = {
        "PATH": "/bin", "NAVIGATOR_HOME": "/home", "NAVIGATOR_PARSER": "llamaparse",
        "OPENAI_API_KEY": "theirs", "DATABASE_URL": "postgresql://other", "MINE": "postgresql://m",
    }  # fmt: skip
    environment = made(
        settings={"ocr": True, "storage_url": "s3://mine"},
        secrets={
            "database_url": {"env": "MINE"},
            "openai_api_key": {"file": str(tmp_path / "key")},
            "prefect_auth": {"prefect_secret": "server"},
        },
    )
    enter(environment, process, prefect_secret=lambda name: f"secret of {name}")
    assert process == {
        "PATH": "/bin", "MINE": "postgresql://m", "NAVIGATOR_HOME": "/home",
        "NAVIGATOR_ENVIRONMENT": "mine", "NAVIGATOR_OCR": "true",
        "NAVIGATOR_STORAGE_URL": "s3://mine", "DATABASE_URL": "postgresql://m",
        "OPENAI_API_KEY": "from-a-file", "PREFECT_API_URL": "http://127.0.0.1:1/api",
        "PREFECT_API_AUTH_STRING": "secret of server",
    }  # fmt: skip


def test_missing_secrets_are_all_named() -> None:
    """Whoever deploys learns of every secret that is missing, and where it should be."""
    environment = made(
        secrets={"database_url": {"env": "MINE"}, "openai_api_key": {"file": "/nowhere"}}
    )
    with pytest.raises(ConfigurationError) as raised:
        enter(environment, {}, prefect_secret=lambda name: name)
    assert "database_url (variable MINE)" in raised.value.message
    assert "openai_api_key (file /nowhere)" in raised.value.message
