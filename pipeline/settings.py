"""Settings: every one in one model, read from the environment and a file, checked, passed down.

Built once at the entry point (command line, flow, worker) and handed on; nothing reads the
environment anywhere else. `deployments/environments/example.env` lists the same variables; a test
keeps the two in step.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AliasChoices,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import SettingsConfigDict, SettingsError

from pipeline.alert_routing import AlertRouting
from pipeline.api_settings import ApiSettings
from pipeline.env_files import default_home
from pipeline.errors import ConfigurationError
from pipeline.operating_settings import OperatingSettings
from pipeline.plugins import EMBEDDERS, PARSERS
from pipeline.prefect_settings import PrefectSettings
from pipeline.reading_settings import MIB as MIB
from pipeline.reading_settings import ReadingSettings
from pipeline.search_settings import SearchSettings
from pipeline.tenant_settings import TenantSettings


def _alias(name: str, *others: str) -> AliasChoices:
    return AliasChoices(f"NAVIGATOR_{name}", *others)


def _known_embedder(name: str) -> str:
    if name != "auto" and not EMBEDDERS.knows(name):
        raise ValueError(f"must be auto, or one of {', '.join(EMBEDDERS.names())}")
    return name


class Settings(
    ReadingSettings, SearchSettings, OperatingSettings, ApiSettings, TenantSettings, PrefectSettings
):
    """What a person can set; each field names its variable and unit."""

    model_config = SettingsConfigDict(
        env_prefix="NAVIGATOR_",
        env_ignore_empty=True,  # a blank key of the example file is no key
        extra="ignore",
        populate_by_name=True,
    )

    # -- where things are kept -----------------------------------------------------------------
    home: Path = Field(default_factory=default_home, description="Folder of the embedded default.")
    database_url: SecretStr | None = Field(
        default=None,
        validation_alias=_alias("DATABASE_URL", "DATABASE_URL"),
        description="Any Postgres >= 15 with pgvector >= 0.8; without it, the embedded one.",
    )
    database_reader_url: SecretStr | None = Field(
        default=None, description="Login of readers; without it, the pipeline's login reads too."
    )
    database_owner_url: SecretStr | None = Field(
        default=None, description="Login that owns the schema: for migrations and spaces only."
    )
    database_idle_seconds: float = Field(
        default=120,
        ge=0,
        description="So long the embedded Postgres, and a process that has imported what reading "
        "commands need, go on after a command, for the next one.",
    )
    engine_idle_seconds: float = Field(
        default=600,
        ge=0,
        description="So long our Prefect server and an engine go on after an ingest, for the next "
        "one; with 0 it ends with the command.",
    )
    storage_url: str | None = Field(
        default=None, description="file://, s3://, gs://, az://; without it, a folder in `home`."
    )
    storage_options: dict[str, str] = Field(
        default_factory=dict,
        repr=False,
        description="JSON object of options for the storage, e.g. keys.",
    )
    database_block: str | None = Field(default=None, description="A saved Prefect block instead.")
    storage_block: str | None = Field(default=None, description="A saved Prefect block instead.")
    parser_block: str | None = Field(default=None, description="A saved Prefect block instead.")
    embedder_block: str | None = Field(default=None, description="A saved Prefect block instead.")
    alert_block: str | None = Field(
        default=None, description="A saved block, navigator-alert/name: told of every alert."
    )
    alert_routing: AlertRouting | None = Field(
        default=None, description="JSON: who is told of which alerts when (docs/alerts.md)."
    )

    # -- who -----------------------------------------------------------------------------------
    user: str = Field(default="local", description="Whose documents; a UUID or any name.")

    # -- parsing -------------------------------------------------------------------------------
    parser: Annotated[str, AfterValidator(PARSERS.require)] = Field(
        default="local", description="local, llamaparse, or one that an installed package adds."
    )
    parser_options: dict[str, str] = Field(
        default_factory=dict, repr=False, description="JSON object, for a parser of a package."
    )
    llama_cloud_api_key: SecretStr | None = Field(
        default=None,
        validation_alias=_alias(
            "LLAMA_CLOUD_API_KEY", "LLAMA_CLOUD_API_KEY", "LLAMA_PARSE_API_KEY"
        ),
    )
    llama_cloud_base_url: str = Field(
        default="https://api.cloud.llamaindex.ai",
        validation_alias=_alias("LLAMA_CLOUD_BASE_URL", "LLAMA_CLOUD_BASE_URL"),
    )
    llama_cloud_tier: Literal["fast", "cost_effective", "agentic", "agentic_plus"] = (
        "cost_effective"
    )
    llama_cloud_usd_per_credit: Decimal = Field(default=Decimal("0.001"), ge=0)

    # -- chunking ------------------------------------------------------------------------------
    chunk_tokens: int | None = Field(
        default=None, ge=32, le=8000, description="Without it, what the installation remembers."
    )
    chunk_overlap_tokens: int | None = Field(
        default=None, ge=0, description="Without it, what the installation remembers."
    )

    # -- embedding -----------------------------------------------------------------------------
    embedder: Annotated[str, AfterValidator(_known_embedder)] = Field(
        default="auto", description="auto: openai when a key is set, else the local wordllama."
    )
    embedder_options: dict[str, str] = Field(
        default_factory=dict, repr=False, description="JSON object, for an embedder of a package."
    )
    openai_api_key: SecretStr | None = Field(
        default=None, validation_alias=_alias("OPENAI_API_KEY", "OPENAI_API_KEY")
    )
    openai_base_url: str = Field(
        default="https://api.openai.com/v1",
        validation_alias=_alias("OPENAI_BASE_URL", "OPENAI_BASE_URL"),
    )
    embedding_model: str = Field(default="text-embedding-3-small")
    embedding_dimension: int | None = Field(default=None, ge=1, le=4000)
    embedding_usd_per_million_tokens: Decimal | None = Field(default=None, ge=0)
    embedding_batch_inputs: int = Field(
        default=256, ge=1, le=2048, description="Texts in one request, at most."
    )
    embedding_concurrency: int = Field(default=8, ge=1, le=256, description="Requests in flight.")
    embedding_requests_per_minute: int | None = Field(default=None, ge=1)
    embedding_tokens_per_minute: int | None = Field(default=None, ge=1)
    onnx_folder: Path | None = Field(default=None, description="model.onnx and tokenizer.json.")
    reranker_folder: Path | None = Field(
        default=None, description="The same of a cross-encoder, for `--rerank`."
    )
    golden_questions: Path | None = Field(
        default=None, description="JSON lines or YAML; without it, golden.jsonl in `home`."
    )

    # -- running -------------------------------------------------------------------------------
    concurrency: int = Field(default=2, ge=1, le=64, description="Subflows in flight in a run.")
    batch_size: int | None = Field(
        default=None, ge=1, le=1000, description="Documents a subflow; without it, by run size."
    )
    lease_seconds: float = Field(default=60, ge=2, description="A silent worker loses its jobs.")
    prefect_patience_seconds: float = Field(
        default=60, ge=1, description="A command gives up a Prefect server silent for so long."
    )
    time_limit_factor: float = Field(
        default=1, gt=0, le=10, description="Every time limit of a run, times this."
    )
    hnsw_min_vectors: int = Field(
        default=50_000, ge=0, description="Below it a space is scanned exactly, without an index."
    )
    work_pool: str | None = Field(
        default=None, description="Hand batches to this Prefect work pool instead of this process."
    )

    @field_validator("database_url", "database_reader_url", "database_owner_url")
    @classmethod
    def _postgres(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None or not value.get_secret_value():
            return None
        if not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("must begin with postgresql://")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Settings:
        tokens, overlap = self.chunk_tokens, self.chunk_overlap_tokens
        if tokens is not None and overlap is not None and overlap * 3 > tokens:
            raise ValueError(
                "NAVIGATOR_CHUNK_OVERLAP_TOKENS must be at most a third of NAVIGATOR_CHUNK_TOKENS"
            )
        if self.embedder == "openai" and self.openai_api_key is None and self._is_openai():
            raise ValueError("NAVIGATOR_EMBEDDER=openai needs OPENAI_API_KEY")
        if self.embedder == "onnx" and self.onnx_folder is None:
            raise ValueError("NAVIGATOR_EMBEDDER=onnx needs NAVIGATOR_ONNX_FOLDER")
        if self.parser == "llamaparse" and self.llama_cloud_api_key is None:
            raise ValueError("NAVIGATOR_PARSER=llamaparse needs LLAMA_CLOUD_API_KEY")
        if self.jwks is not None and (self.jwt_secret or self.jwt_previous_secret):
            raise ValueError("set either NAVIGATOR_JWKS or NAVIGATOR_JWT_SECRET, not both")
        if self.jwt_subject_ids and self.jwks and not (self.jwt_issuer or self.jwt_local_issuer):
            raise ValueError(
                "NAVIGATOR_JWT_SUBJECT_IDS needs NAVIGATOR_JWT_ISSUER: whose ids they are"
            )
        return self

    def _is_openai(self) -> bool:
        return "api.openai.com" in self.openai_base_url

    @property
    def reads_pictures(self) -> bool:
        """Whether something may read pictures: OCR, LlamaParse, or a parser's saved block."""
        return self.ocr or self.parser != "local" or self.parser_block is not None

    @property
    def resolved_embedder(self) -> str:
        """The embedder after `auto` is decided."""
        if self.embedder != "auto":
            return self.embedder
        return "openai" if self.openai_api_key is not None else "wordllama"


BLOCKS = {
    "parser": "parser_block",
    "embedder": "embedder_block",
    "database_url": "database_block",
    "storage_url": "storage_block",
}


def load_settings(**overrides: object) -> Settings:
    """Read the settings; None overrides are left out.

    What is given goes before everything that the environment says of the same part, a saved block
    too: who names a parser or embedder for one run means that one.

    Raises:
        ConfigurationError: one sentence naming every wrong variable; values are never repeated.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    given = {block: None for part, block in BLOCKS.items() if part in given} | given
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        wrong = "; ".join(_describe(detail) for detail in error.errors(include_input=False))
        raise ConfigurationError(f"The settings are wrong: {wrong}.") from None
    except SettingsError as error:
        # Its text names the field in quotes; the value is in its cause, which is left out.
        name = next((each for each in Settings.model_fields if f'"{each}"' in str(error)), "")
        wrong = _describe({"loc": (name,), "msg": "must be a JSON object"})
        raise ConfigurationError(f"The settings are wrong: {wrong}.") from None


def _describe(detail: object) -> str:
    assert isinstance(detail, dict)
    reason = str(detail["msg"]).removeprefix("Value error, ")
    where = ".".join(str(part) for part in detail["loc"])
    if not where:
        return reason
    name = where.upper()
    # these alone are known without our prefix
    known = ("DATABASE_URL", "OPENAI_", "LLAMA_CLOUD_API_KEY", "LLAMA_CLOUD_BASE_URL")
    plain = where.removeprefix("NAVIGATOR_")
    if plain.startswith(known):  # which of its two names was set is not told
        where = plain
    variable = where if where.isupper() else name if name.startswith(known) else f"NAVIGATOR_{name}"
    return f"{variable}: {reason}"
