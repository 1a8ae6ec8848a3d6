"""The parsers as Prefect blocks: LlamaParse, or our own on this machine."""

from __future__ import annotations

from typing import ClassVar, Literal

from prefect.blocks.core import Block
from pydantic import ConfigDict, Field, SecretStr, field_validator

from clients.llamaparse.client import LLAMA_CLOUD_URL, LlamaParseClient
from clients.llamaparse.plugin import webhook_of
from pipeline.keys import clean_key
from pipeline.reading_settings import MIB
from pipeline.settings import Settings


class LlamaParseBlock(Block):
    """An account at LlamaCloud and how it is to parse."""

    _block_type_name: ClassVar[str | None] = "Navigator LlamaParse"
    _block_type_slug: ClassVar[str | None] = "navigator-llamaparse"
    _description: ClassVar[str | None] = (
        "Insurance Navigator sends files to LlamaParse and takes their Markdown. Named by the "
        "setting NAVIGATOR_PARSER_BLOCK."
    )

    model_config = ConfigDict(hide_input_in_errors=True)

    api_key: SecretStr = Field(title="API key", description="Begins with llx-; of one region.")
    base_url: str = Field(
        default=LLAMA_CLOUD_URL,
        title="Address",
        description="For Europe https://api.cloud.eu.llamaindex.ai.",
    )
    tier: Literal["fast", "cost_effective", "agentic", "agentic_plus"] = Field(
        default="cost_effective",
        title="Tier",
        description="From cheapest to best; fast gives text without headings and tables.",
    )
    version: str = Field(
        default="latest", title="Version", description="latest, or one of the tier's dates."
    )
    deadline_seconds: float = Field(
        default=900.0,
        gt=0,
        title="Deadline (seconds)",
        description="A document that takes longer is given up.",
    )

    @field_validator("api_key")
    @classmethod
    def _fit_for_requests(cls, value: SecretStr) -> SecretStr:
        return SecretStr(clean_key(value.get_secret_value()))

    def applied_to(self, settings: Settings) -> Settings:
        """The settings with this block in the place of their own parser."""
        return settings.model_copy(update={"parser": "llamaparse"})

    def open(self, settings: Settings) -> LlamaParseClient:
        """The client, ready to use; close it afterwards.

        Args:
            settings: for webhooks, further hosts of results, the price and the rate limit.

        Raises:
            ConfigurationError: the address is wrong.
        """
        return LlamaParseClient(
            self.api_key,
            base_url=self.base_url,
            tier=self.tier,
            version=self.version,
            deadline_seconds=self.deadline_seconds,
            webhook=webhook_of(settings),
            result_hosts=settings.result_hosts,
            usd_per_credit=settings.llama_cloud_usd_per_credit,
            requests_per_minute=settings.llama_cloud_requests_per_minute,
        )


class LocalParserBlock(Block):
    """What the parser on this machine may use up."""

    _block_type_name: ClassVar[str | None] = "Navigator Local Parser"
    _block_type_slug: ClassVar[str | None] = "navigator-local-parser"
    _description: ClassVar[str | None] = (
        "Insurance Navigator parses files on the machine that runs the flow, without sending them "
        "anywhere. Named by the setting NAVIGATOR_PARSER_BLOCK."
    )

    ocr: bool = Field(
        default=False,
        title="Read scanned pages",
        description="Needs tesseract on the machine that runs the flow.",
    )
    workers: int = Field(default=2, ge=1, le=64, title="Processes", description="Files at once.")
    timeout_seconds: float = Field(default=60.0, gt=0, title="Longest time for a file (seconds)")
    memory_mib: int = Field(default=1536, ge=64, title="Most memory for a file (MiB)")
    max_pages: int = Field(default=5000, ge=1, title="Most pages in a file")

    def open(self, settings: Settings) -> None:
        """Nothing: files are read on this machine."""

    def applied_to(self, settings: Settings) -> Settings:
        """The settings with this block's values in the place of their own."""
        return settings.model_copy(
            update={
                "parser": "local",
                "ocr": self.ocr,
                "parse_workers": self.workers,
                "parse_timeout_seconds": self.timeout_seconds,
                "parse_memory_bytes": self.memory_mib * MIB,
                "max_pages": self.max_pages,
            }
        )
