"""What a backfill takes up, as a person says it: in a command and in Prefect's form alike."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

from pipeline.errors import UsageError
from pipeline.states import states_named

Select = Literal["chosen", "waiting", "failed", "outdated", "gaps", "rejudge", "nightly"]
"""Sets of documents that have a name; `chosen` is what the filters alone say."""

SELECTS: dict[Select, str] = {
    "chosen": "what the filters say, as far as there is something to do with it",
    "waiting": "accepted and not finished",
    "failed": "ended with an error or in quarantine, and nobody acknowledged it",
    "outdated": "made by another parser, chunker or embedder than today's",
    "gaps": "published with gaps: read once more",
    "rejudge": "published or quarantined by other suites than today's: judged again",
    "nightly": "what nothing else takes up: failed for a reason that passes, read by the stand-in "
    "while the parsing service was away, quarantined by other suites than today's",
}

OTHER = "other"
"""As a pipeline or suite: another one than today's."""


def _known_state(word: str) -> str:
    try:
        states_named(word)
    except UsageError as error:
        raise ValueError(f"{error.message} {error.remedy}") from None
    return word


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


StateWord = Annotated[str, AfterValidator(_known_state)]
Moment = Annotated[datetime, AfterValidator(_aware)]


class BackfillChoice(BaseModel):
    """Filters; what is left empty leaves nothing out, and all that are given have to fit."""

    model_config = {"title": "Which documents", "extra": "forbid"}

    source: str | None = Field(
        None,
        title="Source",
        description="A file or folder, or the beginning of an address such as s3://bucket/2026/; "
        "* and ? stand for any characters.",
    )
    tags: list[str] = Field(default_factory=list, title="Tags", description="All of these.")
    since: Moment | None = Field(
        None, title="Taken in since", description="Date, or time; UTC unless it says otherwise."
    )
    until: Moment | None = Field(None, title="Taken in before", description="The same.")
    states: list[StateWord] = Field(
        default_factory=list,
        title="States",
        description="published, gaps, failed, waiting, quarantined, or any state's own name.",
    )
    pipeline: str | None = Field(
        None,
        title="Pipeline version",
        description="\"other\" than today's; or the beginning of a parser's, chunker's or "
        "model's name with version, e.g. local-3.",
    )
    suite: str | None = Field(
        None,
        title="Suite version",
        description='Judged by "other" suites than today\'s; or by this version of one.',
    )

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing at all."""
        return self == BackfillChoice()

    @property
    def exact_states(self) -> list[str] | None:
        """The states that the words mean; None for any."""
        if not self.states:
            return None
        return sorted({state.value for word in self.states for state in states_named(word)})
