"""The baseline: what a system that works is like, in one JSON file; and its reading and writing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from pipeline.errors import ConfigurationError
from pipeline.private_files import write_private
from pipeline.regular_files import read_regular
from pipeline.store.structure import Structure

FORMAT = 1
"""The number of the file's form; raised when a key goes or changes its meaning."""


class Fact(BaseModel):
    """A part of the baseline; a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Hardware(Fact):
    """The machine that the times were measured on."""

    processor: str
    processors: int
    memory_gib: float
    system: str
    python: str


class CanaryDocument(Fact):
    """How one document ended.

    Attributes:
        text: SHA-256 of what was read; None when nothing was.
        chunks: id and SHA-256 of the text of each, in their order.
        gaps: kinds of what was not read.
    """

    state: str
    error: str | None = None
    text: str | None = None
    media_type: str | None = None
    pages: int | None = None
    characters: int | None = None
    tokens: int | None = None
    language: str = ""
    chunks: tuple[tuple[str, str], ...] = ()
    gaps: tuple[str, ...] = ()


class Answer(Fact):
    """The passages that answered a question, best first: the ids of their chunks."""

    question: str
    mode: str
    passages: tuple[str, ...]
    documents: tuple[str, ...]


class Repetition(Fact):
    """The times of the corpus's one way through the environment.

    Attributes:
        stages: seconds of each stage, by the database's clock; `search` by this process's.
        reference: seconds of the reference work, measured at the same time.
        pickup: seconds until a worker began; told, not judged: it is how often workers ask.
    """

    stages: Mapping[str, float]
    reference: float = Field(gt=0)
    pickup: float


class EmbedderContract(Fact):
    """What the embedder really answers to one short text.

    Attributes:
        tokens: as billed; 0 where the service does not tell.
        vector: of the text, unit length.
    """

    provider: str
    model: str
    dimension: int
    version: str
    norm: float
    tokens: int
    has_request_id: bool
    vector: tuple[float, ...]


class ParserContract(Fact):
    """The parser's name and version, and the service it asks, if it asks one."""

    parser: str
    chunker: str
    service: str | None = None


class Contracts(Fact):
    """What the outside services answer; a part that was not asked is None."""

    embedder: EmbedderContract | None
    parser: ParserContract


class Deployment(Fact):
    """What is the same of a deployment wherever it is deployed."""

    entrypoint: str | None
    parameters: Mapping[str, Any]
    form: str


class Corpus(Fact):
    """What came of the canary corpus.

    Attributes:
        version: of the corpus itself; or of the files that a person named.
        releases: of the processes that worked on it; None for a checkout.
        workers: the processes' names.
        stranger: passages that another user got; there may be none.
        varying: documents that ended otherwise from one repetition to the next.
        usd: what it cost.
    """

    version: str
    documents: Mapping[str, CanaryDocument]
    answers: tuple[Answer, ...]
    stranger: int
    repetitions: tuple[Repetition, ...]
    releases: tuple[str | None, ...]
    workers: tuple[str, ...]
    varying: tuple[str, ...] = ()
    usd: float = 0.0


class Baseline(Fact):
    """Everything that was recorded of one environment.

    Attributes:
        release: that was verified or recorded; None for a checkout.
        settings: redacted; by name.
        structure: of the database, as `Structure.as_json` tells it.
    """

    format: Literal[1] = 1
    environment: str
    release: str | None = None
    program: str
    recorded_at: datetime
    hardware: Hardware
    settings: Mapping[str, Any]
    structure: Mapping[str, Any]
    deployments: Mapping[str, Deployment]
    contracts: Contracts
    corpus: Corpus = Field(repr=False)

    @field_validator("structure")
    @classmethod
    def _is_structure(cls, value: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            Structure.from_json(value)
        except (KeyError, TypeError, AttributeError, ValueError):
            raise ValueError("is no structure of a database") from None
        return value


def kept_baseline(home: Path, name: str) -> Path:
    """Where a baseline of this name is kept in a home folder."""
    return home.absolute() / "baselines" / f"{name}.json"


def read_baseline(path: Path) -> Baseline:
    """Read a baseline's file.

    Raises:
        ConfigurationError: it cannot be read, is no baseline, or one of another format.
    """
    try:
        return Baseline.model_validate_json(read_regular(path))
    except OSError as error:
        raise ConfigurationError(
            f"The baseline {path} cannot be read ({error.strerror or type(error).__name__}).",
            remedy="Record one with `navigator baseline record`, or name another with --baseline.",
        ) from None
    except ValidationError as error:
        raise ConfigurationError(
            f"{path} is no baseline of format {FORMAT}: {_wrong(error)}.",
            remedy="Record it again with `navigator baseline record`.",
        ) from None


def _wrong(error: ValidationError) -> str:
    first, *others = error.errors(include_input=False, include_context=False)
    where = ".".join(map(str, first["loc"])) or "the file"
    told = first["msg"].removeprefix("Value error, ")
    return f"{where}: {told}" + (f", and {len(others)} more" if others else "")


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write a baseline's file, whole or not at all.

    Raises:
        ConfigurationError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(path, baseline.model_dump_json(indent=2).encode())
    except OSError as error:
        raise ConfigurationError(
            f"The baseline cannot be written to {path} ({error.strerror}).",
            remedy="Choose another place with --out.",
        ) from None
