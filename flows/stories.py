"""What a run leaves in the Prefect UI: the result table, the quality table, where the report is."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from blocks.assembly import Services
from checks.markdown import escape
from pipeline.sources import printable
from pipeline.store import quality, runs
from pipeline.store.quality import RuleSummary
from pipeline.store.runs import RunDocument

# A table artifact of thousands of rows is no use to a reader and a load for the server.
_MOST_ROWS = 200


async def publish_story(parts: Services, run_id: UUID) -> None:
    """Create the artifacts of a finished run."""
    async with parts.database.service() as connection:
        documents = await runs.run_documents(connection, run_id)
        rules = await quality.summarise(connection, run_id)
    shown = sorted(documents, key=lambda each: each.state == "complete")[:_MOST_ROWS]
    await acreate_table_artifact(
        [_line(each) for each in shown],
        key="result",
        description=f"{len(documents)} documents" + _left_out(len(documents)),
    )
    await acreate_markdown_artifact(
        _quality_table(rules), key="quality", description="What the quality gate checked"
    )


def _left_out(documents: int) -> str:
    return f"; the first {_MOST_ROWS} are shown, failures first" if documents > _MOST_ROWS else ""


def _line(each: RunDocument) -> dict[str, object]:
    return {
        "document": printable(each.name),
        "state": each.state,
        "pages": each.pages,
        "chunks": each.chunks,
        "tokens": each.tokens,
        "cost (USD)": float(each.cost_usd),
        "seconds": round(each.seconds, 2),
        "what to do": " ".join(filter(None, (each.error_message, each.error_remedy))),
    }


def _quality_table(rules: Sequence[RuleSummary]) -> str:
    lines = ["| | suite | rule | checked | failed |", "|---|---|---|---:|---:|"]
    lines += [
        f"| {'✓' if each.failed == 0 else '✗'} | {each.suite} {each.suite_version} "
        f"| {escape(each.title)} | {each.evaluated:,} | {each.failed:,} |"
        for each in rules
    ]
    return "\n".join(lines) if rules else "Nothing new had to be checked."
