"""Embedder blocks: OpenAI and what speaks its API, or a model on this machine."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import ClassVar, Literal, Self

from prefect.blocks.core import Block
from pydantic import ConfigDict, Field, SecretStr, field_validator, model_validator

from clients.embedder import Embedder
from clients.local.embedders import OnnxEmbedder, WordLlamaEmbedder
from clients.openai.embedder import OPENAI_URL, OpenAIEmbedder
from clients.openai.inputs import MAX_INPUTS
from pipeline.api_keys import clean_key


class OpenAIEmbedderBlock(Block):
    """One model of one OpenAI-compatible service."""

    _block_type_name: ClassVar[str | None] = "Navigator OpenAI Embedder"
    _block_type_slug: ClassVar[str | None] = "navigator-openai-embedder"
    _description: ClassVar[str | None] = (
        "Insurance Navigator gets its vectors from OpenAI or from any server that speaks its API "
        "(Ollama, TEI, vLLM). Named by the setting NAVIGATOR_EMBEDDER_BLOCK."
    )

    model_config = ConfigDict(hide_input_in_errors=True)

    api_key: SecretStr = Field(
        default=SecretStr(""),
        title="API key",
        description="Empty for a server of your own without keys.",
    )
    model: str = Field(default="text-embedding-3-small", title="Model")
    base_url: str = Field(default=OPENAI_URL, title="Address")
    dimension: int = Field(
        default=0,
        ge=0,
        le=4000,
        title="Dimension",
        description=(
            "0: the known model's own. A number shortens its vectors, and is needed for a model "
            "of another maker."
        ),
    )
    usd_per_million_tokens: float | None = Field(
        default=None,
        ge=0,
        title="Price (USD per million tokens)",
        description="Empty: the list price of a known model, else 0.",
    )
    concurrency: int = Field(default=8, ge=1, le=256, title="Requests in flight")
    batch_inputs: int = Field(
        default=256,
        ge=1,
        le=MAX_INPUTS,
        title="Texts in a request",
        description="Also what may be paid again after a crash.",
    )

    @field_validator("api_key")
    @classmethod
    def _fit_for_requests(cls, value: SecretStr) -> SecretStr:
        return SecretStr(clean_key(value.get_secret_value()))

    def open(self) -> Embedder:
        """The embedder, ready to use; close it afterwards.

        Raises:
            ConfigurationError: the address or the dimension is wrong.
        """
        price = self.usd_per_million_tokens
        return OpenAIEmbedder(
            self.api_key if self.api_key.get_secret_value() else None,
            model=self.model,
            base_url=self.base_url,
            dimension=self.dimension or None,
            price=Decimal(str(price)) if price is not None else None,
            concurrency=self.concurrency,
            batch_inputs=self.batch_inputs,
        )


class LocalEmbedderBlock(Block):
    """A model that runs on the worker's machine, without key and network."""

    _block_type_name: ClassVar[str | None] = "Navigator Local Embedder"
    _block_type_slug: ClassVar[str | None] = "navigator-local-embedder"
    _description: ClassVar[str | None] = (
        "Insurance Navigator makes its vectors on the machine that runs the flow, without key and "
        "network. Named by the setting NAVIGATOR_EMBEDDER_BLOCK."
    )

    model: Literal["wordllama", "onnx"] = Field(
        default="wordllama",
        title="Model",
        description="wordllama comes with the program; onnx reads one from a folder.",
    )
    folder: str = Field(
        default="",
        title="Folder of the ONNX model",
        description="With model.onnx and tokenizer.json, on the machine that runs the flow.",
    )

    @model_validator(mode="after")
    def _onnx_has_folder(self) -> Self:
        if self.model == "onnx" and not self.folder:
            raise ValueError("The model onnx needs a folder")
        return self

    def open(self) -> Embedder:
        """The embedder; its model is read at the first use.

        Raises:
            ConfigurationError: the folder holds no model.
        """
        return OnnxEmbedder(Path(self.folder)) if self.model == "onnx" else WordLlamaEmbedder()
