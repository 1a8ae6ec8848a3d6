"""Settings: read once, checked, and never said aloud."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import AliasChoices, SecretStr

from pipeline.errors import ConfigurationError
from pipeline.settings import Settings, load_settings

EXAMPLE = Path(__file__).parents[2] / "deployments/environments/example.env"
SECRET_FIELDS = {
    "database_url", "database_owner_url", "database_reader_url", "storage_options",
    "llama_cloud_api_key", "openai_api_key",
    "jwt_secret", "jwt_previous_secret", "signing_secret", "llama_cloud_webhook_secret",
    "llama_cloud_webhook_previous_secret", "metrics_token", "passwords", "report_keys",
    "parser_options", "embedder_options",
}  # fmt: skip


def variable(field: str) -> str:
    """The variable under which a person sets the field."""
    alias = Settings.model_fields[field].validation_alias
    return (
        str(alias.choices[1]) if isinstance(alias, AliasChoices) else f"NAVIGATOR_{field.upper()}"
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder, so that no file of a developer is read."""
    monkeypatch.setenv("NAVIGATOR_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def wrong(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ConfigurationError]:
    """Load settings with these variables; the error that they give."""

    def load(**variables: str) -> ConfigurationError:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(ConfigurationError) as caught:
            load_settings()
        return caught.value

    return load


def test_without_any_variable_everything_is_local(folder: Path) -> None:
    """The defaults need no key, no server and no network."""
    loaded = load_settings()
    assert (loaded.parser, loaded.resolved_embedder, loaded.user) == ("local", "wordllama", "local")
    assert loaded.database_url is None
    assert loaded.storage_url is None


@pytest.mark.parametrize(
    ("variables", "embedder"),
    [
        ({}, "wordllama"),
        ({"OPENAI_API_KEY": "sk-test"}, "openai"),
        ({"OPENAI_API_KEY": ""}, "wordllama"),
        ({"OPENAI_API_KEY": "sk-test", "NAVIGATOR_EMBEDDER": "wordllama"}, "wordllama"),
        ({"NAVIGATOR_EMBEDDER": "onnx", "NAVIGATOR_ONNX_FOLDER": "/models"}, "onnx"),
        ({"NAVIGATOR_EMBEDDER": "openai", "OPENAI_BASE_URL": "http://localhost:9/v1"}, "openai"),
    ],
)
def test_auto_takes_openai_only_with_a_key(
    folder: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], embedder: str
) -> None:
    """A blank key is no key; a server that stands in for OpenAI needs none."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert load_settings().resolved_embedder == embedder


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://root:hunter2@db/x"),
        ("NAVIGATOR_DATABASE_URL", "hunter2"),
        ("NAVIGATOR_PARSER", "hunter2"),
        ("NAVIGATOR_PARSE_TIMEOUT_SECONDS", "hunter2"),
        ("NAVIGATOR_PARSE_MEMORY_BYTES", "-77123"),
        ("NAVIGATOR_CHUNK_TOKENS", "99123"),
        ("NAVIGATOR_OCR", "hunter2"),
        ("NAVIGATOR_EMBEDDING_DIMENSION", "hunter2"),
        ("NAVIGATOR_EMBEDDING_USD_PER_MILLION_TOKENS", "hunter2"),
        ("NAVIGATOR_STORAGE_OPTIONS", "hunter2"),
        ("NAVIGATOR_STORAGE_OPTIONS", '["hunter2"]'),
        ("NAVIGATOR_STORAGE_OPTIONS", '{"key": {"hunter2": 1}}'),
        ("NAVIGATOR_LEASE_SECONDS", "1.0001"),
    ],
)
def test_a_wrong_value_is_named_by_its_variable_and_never_repeated(
    wrong: Callable[..., ConfigurationError], name: str, value: str
) -> None:
    """The sentence names the variable; what was set stays unsaid, in its causes too."""
    error = wrong(**{name: value})
    assert name.removeprefix("NAVIGATOR_") in error.message
    said = f"{error!r} {error.message} {error.remedy} {error.__cause__}"
    assert value not in said
    assert "hunter2" not in said
    assert error.remedy
    assert "\n" not in error.message


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"NAVIGATOR_EMBEDDER": "openai"}, "NAVIGATOR_EMBEDDER=openai needs OPENAI_API_KEY"),
        ({"NAVIGATOR_EMBEDDER": "onnx"}, "NAVIGATOR_EMBEDDER=onnx needs NAVIGATOR_ONNX_FOLDER"),
        ({"NAVIGATOR_PARSER": "llamaparse"}, "needs LLAMA_CLOUD_API_KEY"),
        (
            {"NAVIGATOR_JWKS": "keys.json", "NAVIGATOR_JWT_SECRET": "s" * 32},
            "set either NAVIGATOR_JWKS or NAVIGATOR_JWT_SECRET, not both",
        ),
        ({"NAVIGATOR_JWT_SECRET": "too short"}, "NAVIGATOR_JWT_SECRET"),
        (
            {"NAVIGATOR_CHUNK_TOKENS": "100", "NAVIGATOR_CHUNK_OVERLAP_TOKENS": "34"},
            "NAVIGATOR_CHUNK_OVERLAP_TOKENS must be at most a third of NAVIGATOR_CHUNK_TOKENS",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_said(
    wrong: Callable[..., ConfigurationError], variables: dict[str, str], message: str
) -> None:
    """What one setting needs of another is one sentence."""
    assert message in wrong(**variables).message


def test_every_wrong_variable_is_named_at_once(wrong: Callable[..., ConfigurationError]) -> None:
    """A person mends all of them in one go."""
    message = wrong(NAVIGATOR_MAX_PAGES="0", NAVIGATOR_PARSER="x", DATABASE_URL="y").message
    assert all(
        name in message for name in ("NAVIGATOR_MAX_PAGES", "NAVIGATOR_PARSER", "DATABASE_URL")
    )


def test_a_dotenv_that_is_no_text_is_said(folder: Path) -> None:
    """A .env of other bytes is one sentence with a remedy."""
    (folder / ".env").write_bytes(b"NAVIGATOR_USER=\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match=r"\.env cannot be read"):
        load_settings()


def test_secrets_are_not_in_what_is_printed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the repr nor the text of the settings shows a key or a password."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("LLAMA_CLOUD_API_KEY", "llx-canary")
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:canary@host/db")
    monkeypatch.setenv("NAVIGATOR_STORAGE_OPTIONS", '{"secret_access_key": "canary"}')
    loaded = load_settings()
    assert "canary" not in f"{loaded!r} {loaded}"
    assert isinstance(loaded.database_url, SecretStr)


def test_overrides_win_over_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a person gives on the command line counts; None means that it was not given."""
    monkeypatch.setenv("NAVIGATOR_USER", "anna")
    assert load_settings(user=None).user == "anna"
    assert load_settings(user="ben").user == "ben"


def test_the_example_lists_exactly_the_settings() -> None:
    """Each field has one line in the example file and each line a field, none of them twice."""
    listed = re.findall(r"^([A-Z_]+)=", EXAMPLE.read_text("utf-8"), re.M)
    assert sorted(listed) == sorted(variable(field) for field in Settings.model_fields)


def test_every_example_has_its_own_comment() -> None:
    """The line above each variable says in a sentence what it is."""
    lines = EXAMPLE.read_text("utf-8").splitlines()
    for number, line in enumerate(lines):
        if re.match(r"[A-Z_]+=", line):
            assert re.fullmatch(r"# [A-Za-z].*[.]", lines[number - 1]), line
            assert not lines[number - 2].startswith("#"), line


def test_secrets_of_the_example_stand_apart_and_blank() -> None:
    """The last section holds the secrets and nothing else, without values."""
    before, after = EXAMPLE.read_text("utf-8").split("# -- secrets")
    secrets = re.findall(r"^([A-Z_]+)=(.*)$", after, re.M)
    assert {name for name, _ in secrets} == {variable(field) for field in SECRET_FIELDS}
    assert {value for _, value in secrets} == {""}
    assert not any(f"\n{variable(field)}=" in before for field in SECRET_FIELDS)


def test_every_secret_field_is_known_here() -> None:
    """A new secret setting has to join the list above."""
    fields = Settings.model_fields.items()
    assert {name for name, field in fields if "SecretStr" in str(field.annotation)} | {
        "storage_options", "parser_options", "embedder_options",
    } == SECRET_FIELDS  # fmt: skip


def test_the_example_as_it_stands_is_the_default(folder: Path) -> None:
    """A copy of the example changes nothing: its values are the defaults."""
    defaults = load_settings()
    (folder / ".env").write_text(EXAMPLE.read_text("utf-8"), "utf-8")
    assert load_settings() == defaults
