"""Feeds the settings file's values to pydantic-settings, keys without stray characters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource

from pipeline.api_keys import clean_key, clean_secret, trimmed
from pipeline.env_files import absolute_values, env_file, read_env_file


class EnvFileSource(EnvSettingsSource):
    """The variables of the file with settings; a relative path counts from that file's folder."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        values = dict(read_env_file())
        if values and (path := env_file()) is not None:
            values |= absolute_values(path.parent, values, path_variables(self.settings_cls))
        return {name.lower(): value for name, value in values.items()}


def path_variables(settings: type[BaseSettings]) -> frozenset[str]:
    """The variables that hold the path of one file or folder."""
    fields = settings.model_fields.items()
    named = {f"NAVIGATOR_{name.upper()}" for name, field in fields if "Path" in str(field)}
    return frozenset({*named, "NAVIGATOR_JWKS"})


class SourcedSettings(BaseSettings):
    """Settings that come from the environment and from the file of who runs the program."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given outright goes before the environment, and that before the file."""
        return init_settings, env_settings, EnvFileSource(settings_cls)

    @field_validator(
        "openai_api_key", "llama_cloud_api_key", "metrics_token", mode="before", check_fields=False
    )
    @classmethod
    def _key(cls, value: Any) -> Any:
        return None if value is None else clean_key(_plain(value)) or None

    @field_validator(
        "jwt_secret",
        "jwt_previous_secret",
        "signing_secret",
        "report_keys",
        "llama_cloud_webhook_secret",
        "llama_cloud_webhook_previous_secret",
        mode="before",
        check_fields=False,
    )
    @classmethod
    def _secret(cls, value: Any) -> Any:
        return None if value is None else clean_secret(_plain(value)) or None

    @field_validator(
        "database_url",
        "storage_url",
        "openai_base_url",
        "llama_cloud_base_url",
        "public_url",
        "alerts_url",
        "jwks",
        mode="before",
        check_fields=False,
    )
    @classmethod
    def _address(cls, value: Any) -> Any:
        return value if value is None else trimmed(_plain(value))

    @field_validator("storage_options", mode="before", check_fields=False)
    @classmethod
    def _options(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: trimmed(e) if isinstance(e, str) else e for key, e in value.items()}


def _plain(value: Any) -> str:
    """What is written, whether it came as text or wrapped as a secret."""
    found = value.get_secret_value() if isinstance(value, SecretStr) else value
    return str(found)
