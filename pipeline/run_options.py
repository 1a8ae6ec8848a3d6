"""Options of one run on top of the settings, for the command line, Python and Prefect alike."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from pipeline.block_choice import SavedBlock
from pipeline.plugins import EMBEDDERS, PARSERS
from pipeline.settings import Settings, load_settings

ParserName = Annotated[
    str, AfterValidator(PARSERS.require), Field(json_schema_extra={"enum": [*PARSERS.names()]})
]
EmbedderName = Annotated[
    str, AfterValidator(EMBEDDERS.require), Field(json_schema_extra={"enum": [*EMBEDDERS.names()]})
]
ParserBlock = Annotated[str | None, SavedBlock("navigator-llamaparse", "navigator-local-parser")]
EmbedderBlock = Annotated[
    str | None, SavedBlock("navigator-openai-embedder", "navigator-local-embedder")
]
AlertBlock = Annotated[str | None, SavedBlock("navigator-alert")]


class RunOptions(BaseModel):
    """A run's options on top of the settings; everything may be left out."""

    parser: ParserName | None = Field(None, title="Parser")
    embedder: EmbedderName | None = Field(None, title="Embedder")
    parser_block: ParserBlock = Field(
        None, title="Parser's block", description="In the place of the parser that is set."
    )
    embedder_block: EmbedderBlock = Field(
        None, title="Embedder's block", description="In the place of the embedder that is set."
    )
    alert_block: AlertBlock = Field(
        None, title="Alerts' block", description="Told when this run goes wrong."
    )
    batch_size: int | None = Field(
        None, ge=1, le=1000, description="Documents in a subflow; empty: 1 up to 32 documents."
    )
    concurrency: int | None = Field(None, ge=1, le=64, description="Subflows in flight.")
    max_cost_usd: Decimal | None = Field(
        None, ge=0, description="The run stops cleanly before it spends more than this."
    )
    sync: bool = Field(False, description="Delete documents whose files are gone from the folders.")
    exclude: list[str] = Field(
        default_factory=list, description="Gitignore patterns of what is left out of folders."
    )
    follow_links: bool = Field(False, description="Follow links out of the folders too.")

    def settings(self) -> Settings:
        """The settings from the environment with these options on top.

        Raises:
            ConfigurationError: the two together are wrong.
        """
        return load_settings(
            parser=self.parser,
            embedder=self.embedder,
            batch_size=self.batch_size,
            concurrency=self.concurrency,
            parser_block=self.parser_block,
            embedder_block=self.embedder_block,
            alert_block=self.alert_block,
        )

    def without_names(self) -> RunOptions:
        """The options that Prefect may be told: it could not forget names and paths."""
        return self.model_copy(update={"exclude": []})
