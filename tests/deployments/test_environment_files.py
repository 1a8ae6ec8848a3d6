"""Environments as files: one schema, one base, secrets only as references."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployments.environment import Environment
from deployments.environment_files import (
    environment_names,
    load_environment,
    merge,
    own_environment,
)
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
        ("pool: {type: docker, image: 'x@sha256:0'}", "the digest is the release's"),
        ("pool: {type: docker, image: 'host:5000/x:latest'}", "the digest is the release's"),
        ("pool: {queues: {a: {priority: 1}}}", "different priorities"),
        ("pool: {resources: {memory: 2GB}}", "pool.resources.memory"),
        ("prefect: {api_url: prefect:4200}", "must begin with http"),
        ("secrets: {prefect_auth: {prefect_secret: x}}", "cannot be one of them"),
        ("secrets: {openai_api_key: {env: ''}}", "secrets.openai_api_key.env"),
        (
            "automations: {a: {trigger: {}, actions: [{deployment: gone}]}}",
            "automation a names no deployment of ours: gone",
        ),
        (
            "automations: {a: {trigger: {}, actions: []}}",
            "automations.a: must have actions or an alert",
        ),
        ("kubernetes: {workers: {minimum: 5, maximum: 2}}", "above maximum"),
        ("settings: {embedder: openai}", "needs OPENAI_API_KEY"),
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


def test_a_registry_with_a_port_is_a_repository(folder: Path) -> None:
    """The colon of a port is not that of a tag."""
    (folder / "mine.yaml").write_text(
        "extends: base\npool: {type: docker, image: 'host:5000/navigator'}\n"
    )
    assert load_environment("mine").pool.image == "host:5000/navigator"


def test_what_the_process_has_does_not_count(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment is as valid here as where its processes run: by its own keys alone."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-shell")
    monkeypatch.setenv("NAVIGATOR_PARSER", "unknown")
    (folder / "mine.yaml").write_text("extends: base\nsettings: {embedder: openai}\n")
    (folder / "other.yaml").write_text("extends: base\n")
    with pytest.raises(ConfigurationError, match="needs OPENAI_API_KEY"):
        load_environment("mine")
    assert load_environment("other").name == "other"


def test_the_alert_block_is_a_setting_of_its_processes() -> None:
    """Who has an alert target names its block; a block that the settings name goes first."""
    alert = {"block": "ops", "address": {"env": "ALERT"}}
    process: dict[str, str] = {"ALERT": "json://x"}
    enter(made(alert=alert), process)
    assert process["NAVIGATOR_ALERT_BLOCK"] == "navigator-alert/ops"
    process = {"ALERT": "json://x"}
    enter(made(alert=alert, settings={"alert_block": "navigator-alert/mine"}), process)
    assert process["NAVIGATOR_ALERT_BLOCK"] == "navigator-alert/mine"


def test_a_file_that_others_can_write_is_not_used(folder: Path) -> None:
    """It says which commands are run and where documents go, as a file of settings does."""
    path = folder / "mine.yaml"
    path.write_text("extends: base\n")
    path.chmod(0o666)
    with pytest.raises(ConfigurationError, match="can be written by others"):
        load_environment("mine")
    path.chmod(0o644)
    assert load_environment("mine").name == "mine"


def test_this_process_is_of_the_local_environment_unless_another_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of one's own need repeat neither the base nor the local one."""
    (folder / "mine.yaml").write_text("extends: base\n")
    monkeypatch.delenv("NAVIGATOR_ENVIRONMENT", raising=False)
    assert own_environment().name == "local"
    monkeypatch.setenv("NAVIGATOR_ENVIRONMENT", "mine")
    assert own_environment().name == "mine"


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
            "metrics_token": {"prefect_secret": "metrics"},
        },
    )
    enter(environment, process, prefect_secret=lambda name: f"secret of {name}")
    assert process == {
        "PATH": "/bin", "MINE": "postgresql://m", "NAVIGATOR_HOME": "/home",
        "NAVIGATOR_ENVIRONMENT": "mine", "NAVIGATOR_OCR": "true",
        "NAVIGATOR_STORAGE_URL": "s3://mine", "DATABASE_URL": "postgresql://m",
        "OPENAI_API_KEY": "from-a-file", "PREFECT_API_URL": "http://127.0.0.1:1/api",
        "NAVIGATOR_METRICS_TOKEN": "secret of metrics", "NAVIGATOR_ENVIRONMENT_ENTERED": "mine",
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
