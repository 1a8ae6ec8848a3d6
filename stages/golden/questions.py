"""Reads and writes a file of golden questions: JSON lines, or YAML; it is the user's own.

Each says what a search has to find: the document, and of it a page, a quotation, or both.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.errors import UsageError
from pipeline.identity import sha256_hex
from pipeline.private_files import write_private
from pipeline.regular_files import read_regular
from pipeline.settings import Settings

_MOST_BYTES = 16 * 1024 * 1024
_MOST_QUESTIONS = 5000
_YAML = (".yaml", ".yml")
_Words = Annotated[str, Field(min_length=1, max_length=4000)]


class Expected(BaseModel):
    """A passage that answers.

    Attributes:
        document: its name, its path or the start of its id; any document when empty.
        page: on which it stands. quote: words that it holds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    document: str | None = None
    page: int | None = Field(default=None, ge=1)
    quote: _Words | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Expected:
        if not (self.document or self.quote):
            raise ValueError("an expected passage needs a document or a quote")
        return self


class GoldenQuestion(BaseModel):
    """A question, and the passages of which it has to find at least one.

    Attributes:
        user: whose documents are asked; the settings' user when empty.
        draft: drawn from the corpus and not looked at by a person; it is not asked.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: _Words
    expected: tuple[Expected, ...] = Field(min_length=1, max_length=50)
    user: str | None = None
    draft: bool = False

    @property
    def id(self) -> str:
        """Names it where its words are not told."""
        return sha256_hex(f"{self.user or ''}\n{self.question}")[:8]

    def record(self) -> dict[str, Any]:
        """As it stands in the file."""
        return self.model_dump(mode="json", exclude_none=True, exclude_defaults=True)


def golden_file(settings: Settings, given: Path | None = None) -> Path:
    """The file of golden questions: the one given, the setting's, or one in the home folder."""
    return given or settings.golden_questions or settings.home / "golden.jsonl"


def read_questions(path: Path) -> list[GoldenQuestion]:
    """The questions of a file; none, when there is no file.

    Raises:
        UsageError: it is not as it should be; the sentence says where.
    """
    if not path.exists():
        return []
    try:
        text = read_regular(path, _MOST_BYTES).decode("utf-8")
    except (OSError, UnicodeError):
        raise _unfit(path, "it cannot be read as UTF-8 text") from None
    found = [_question(path, place, record) for place, record in _records(path, text)]
    if len(found) > _MOST_QUESTIONS:
        raise _unfit(path, f"it has more than {_MOST_QUESTIONS:,} questions")
    return found


def _records(path: Path, text: str) -> Iterable[tuple[int, Any]]:
    """The records with their places, from 1."""
    if path.suffix.lower() in _YAML:
        yield from _of_yaml(path, text)
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError):
                raise _unfit(path, f"line {number} is not JSON") from None


def _of_yaml(path: Path, text: str) -> Iterable[tuple[int, Any]]:
    import yaml

    try:
        told = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError):
        raise _unfit(path, "it is not YAML") from None
    if told is not None and not isinstance(told, list):
        raise _unfit(path, "it is not a list of questions")
    yield from enumerate(told or [], 1)


def _question(path: Path, place: int, record: Any) -> GoldenQuestion:
    try:
        return GoldenQuestion.model_validate(record)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = str(first["msg"]).removeprefix("Value error, ")
        said = f"question {place}{f', {where}' if where else ''}: {reason}"
        raise _unfit(path, said) from None


def _unfit(path: Path, reason: str) -> UsageError:
    return UsageError(
        f"The file of golden questions {path.name} is not as it should be: {reason}.",
        remedy="docs/changing-models.md shows what stands in it.",
    )


def write_questions(path: Path, questions: Sequence[GoldenQuestion]) -> None:
    """Write a file anew, readable by its user alone: it holds words of documents.

    Raises:
        UsageError: it cannot be written there.
    """
    records = [each.record() for each in questions]
    if path.suffix.lower() in _YAML:
        import yaml

        text = yaml.safe_dump(records, allow_unicode=True, sort_keys=False)
    else:
        text = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in records)
    try:
        write_private(path, text.encode("utf-8"))
    except OSError as error:
        raise UsageError(
            f"The file of golden questions {path} cannot be written ({error.strerror}).",
            remedy="Name another with --file or NAVIGATOR_GOLDEN_QUESTIONS.",
        ) from None
