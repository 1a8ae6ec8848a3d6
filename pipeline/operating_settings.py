"""Settings of operating the system: webhooks, metrics and logs. Part of `pipeline.settings`."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import Field, SecretStr, field_validator

from pipeline.gate_settings import GateSettings
from pipeline.spending_caps import SpendingCaps
from pipeline.transport import PlainHosts


class OperatingSettings(GateSettings):
    """What an operator sets beside the pipeline's own settings."""

    # -- LlamaParse's webhooks, deadline and fallback ------------------------------------------
    llama_cloud_webhook_secret: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="Signs LlamaParse's webhooks; with public_url, jobs ask for them.",
    )
    llama_cloud_webhook_previous_secret: SecretStr | None = Field(
        default=None, min_length=16, description="Still accepted while jobs signed with it end."
    )
    webhook_age_seconds: float = Field(
        default=300, gt=0, description="How old, or how far ahead, a webhook's time may be."
    )
    llama_cloud_deadline_seconds: float = Field(
        default=900, gt=0, description="For one document, from submission to its text."
    )
    llama_cloud_fallback: Literal["none", "local"] = Field(
        default="none", description="Who parses when LlamaParse fails or needs too long."
    )
    llama_cloud_requests_per_minute: int | None = Field(default=None, ge=1)
    llama_cloud_result_hosts: str = Field(
        default="",
        description="Hosts of presigned results beside LlamaCloud's own and Amazon S3, by commas.",
    )

    # -- services that fail --------------------------------------------------------------------
    service_patience_seconds: float = Field(
        default=30,
        ge=0,
        le=3600,
        description="For so long a run waits for a service that fails; its documents wait then.",
    )

    # -- when Postgres is away ---------------------------------------------------------------
    database_patience_seconds: float = Field(
        default=60, ge=0, description="A Postgres that restarts is waited for, up to so long."
    )

    database_migrations: Literal["automatic", "deployed"] = Field(
        default="automatic",
        description="automatic: a newer program brings the schema forward; deployed: only "
        "`navigator deploy` does.",
    )

    # -- foresight -----------------------------------------------------------------------------
    month_budget_usd: float | None = Field(
        default=None,
        gt=0,
        description="US dollars for services in a calendar month (UTC); the watch tells when the "
        "month's forecast passes it. It stops nothing: the caps do.",
    )
    month_cap_usd: Decimal | None = Field(
        default=None,
        ge=0,
        description="US dollars for documents in a calendar month (UTC), of all users together; "
        "a request that would pass it is not sent, and its run stops.",
    )
    user_month_cap_usd: Decimal | None = Field(
        default=None, ge=0, description="The same, of each user."
    )
    run_cost_ceiling_usd: Decimal | None = Field(
        default=None,
        gt=0,
        description="A run that would be stopped by its cost cap has it raised by a quarter "
        "instead, as often as needed, but never above this. Not set: a cap is never raised.",
    )

    # -- backups ---------------------------------------------------------------------------------
    restore_max_bytes: int = Field(
        default=64 * 1024**3, gt=0, description="A larger file is not taken for a backup."
    )

    # -- connections -----------------------------------------------------------------------------
    plain_hosts: str = Field(
        default="",
        description="Hosts of a closed network that may be reached, or listened at, without TLS: "
        "names, addresses, networks; by spaces.",
    )

    # -- metrics and logs ----------------------------------------------------------------------
    metrics_token: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="Bearer token of who reads /metrics; without it, only this machine may.",
    )
    otlp_endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/?#]+(/[^\s?#]*)?$",
        description="Where spans are sent by OTLP over HTTP, such as http://127.0.0.1:4318; needs "
        "the extra `otel`.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["auto", "text", "json"] = Field(
        default="auto", description="auto: text on a terminal, else JSON."
    )
    log_file_bytes: int = Field(
        default=10_000_000, ge=10_000, description="A log file that is larger is put aside."
    )
    log_files: int = Field(default=5, ge=1, le=100, description="Log files kept put aside.")

    @property
    def spending_caps(self) -> SpendingCaps:
        """The caps of a month."""
        return SpendingCaps(self.month_cap_usd, self.user_month_cap_usd)

    @field_validator("plain_hosts")
    @classmethod
    def _hosts(cls, value: str) -> str:
        PlainHosts.of(value)
        return value

    @property
    def allowed_plain(self) -> PlainHosts:
        """The hosts that `plain_hosts` names."""
        return PlainHosts.of(self.plain_hosts)

    @property
    def result_hosts(self) -> tuple[str, ...]:
        """The hosts that `llama_cloud_result_hosts` names."""
        return tuple(self.llama_cloud_result_hosts.replace(",", " ").split())
