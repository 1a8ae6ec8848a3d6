"""Writes down how a space's embedder is opened, so that every process can open it.

Of secrets only where they are is kept: by default the key that the process's own settings hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr

from pipeline.errors import ConfigurationError
from pipeline.secret_references import read_secret
from pipeline.settings import Settings


class SpaceSettings(BaseModel):
    """How a space's embedder is opened.

    Attributes:
        api_key: where its key is (env:NAME, file:/PATH); None for the settings' own.
        tokenizer: in whose tokens the chunks of the corpus are measured.
        chunk_limit: the tokens that a chunk of the corpus may have at most.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    embedder: str
    embedder_block: str | None = None
    embedding_model: str | None = None
    embedding_dimension: int | None = None
    openai_base_url: str | None = None
    onnx_folder: Path | None = None
    embedding_usd_per_million_tokens: Decimal | None = None
    api_key: str | None = None
    tokenizer: str | None = None
    chunk_limit: int | None = None

    def applied_to(self, settings: Settings) -> Settings:
        """The process's settings, with this embedder in the place of their own.

        Raises:
            ConfigurationError: its key is not where it was said to be.
        """
        told: dict[str, Any] = {
            "embedder": self.embedder,
            "embedder_block": self.embedder_block,
            "embedding_dimension": self.embedding_dimension,
            "onnx_folder": self.onnx_folder,
            "embedding_usd_per_million_tokens": self.embedding_usd_per_million_tokens,
        }
        for name in ("embedding_model", "openai_base_url"):
            if (value := getattr(self, name)) is not None:
                told[name] = value
        if self.api_key is not None:
            told["openai_api_key"] = SecretStr(read_secret(self.api_key))
        return settings.model_copy(update=told)

    def record(self) -> dict[str, Any]:
        """As it is written down."""
        return self.model_dump(mode="json", exclude_none=True)


def settings_of(settings: Settings) -> SpaceSettings:
    """How the embedder that a process's settings name is opened."""
    if settings.embedder_block:
        return SpaceSettings(embedder=settings.embedder, embedder_block=settings.embedder_block)
    name = settings.resolved_embedder
    if name == "openai":
        return SpaceSettings(
            embedder=name,
            embedding_model=settings.embedding_model,
            embedding_dimension=settings.embedding_dimension,
            openai_base_url=settings.openai_base_url,
            embedding_usd_per_million_tokens=settings.embedding_usd_per_million_tokens,
        )
    if name == "onnx":
        return SpaceSettings(embedder=name, onnx_folder=settings.onnx_folder)
    return SpaceSettings(embedder=name)


def stored_settings(record: Mapping[str, Any] | None, what: str) -> SpaceSettings:
    """Read what was written down.

    Args:
        what: the space, for a person.

    Raises:
        ConfigurationError: nothing was, or not so that it can be used.
    """
    if record is not None:
        try:
            return SpaceSettings.model_validate(record)
        except ValueError:
            pass
    raise ConfigurationError(
        f"It is not known how the embedder of the space {what} is opened, as after a restore.",
        remedy="Set NAVIGATOR_EMBEDDER and what belongs to it to that model, and run "
        "`navigator space build`; it finds what is there and pays for nothing again.",
    )
