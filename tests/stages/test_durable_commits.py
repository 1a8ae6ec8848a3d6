"""Which commits wait for the disk: what was accepted, paid for or published survives a crash.

A deferred trigger notes `synchronous_commit` in the moment of the commit, for each kind of row.
"""

from __future__ import annotations

from pathlib import Path

from mocks import LlamaParseMock, OpenAIMock
from pipeline.identity import user_id
from stages.services import Services
from tests.flows.corpus import Opener, policy, query, states
from tests.ingesting import ingest

ANNA = user_id("anna")
WATCHED = {
    "accepted": ("upload_jobs", "INSERT", "true"),
    "paid vector": ("document_vector_buffer", "INSERT OR UPDATE", "NEW.embedding IS NOT NULL"),
    "money": ("ingest_runs", "UPDATE", "NEW.cost_usd > 0"),
    "published": ("document_chunks", "INSERT", "true"),
    "submission begun": ("parsed_files", "INSERT OR UPDATE", "NEW.submitted_at IS NOT NULL"),
    "submitted": ("parsed_files", "INSERT OR UPDATE", "NEW.remote_job_id IS NOT NULL"),
    "paid parse": ("parsed_files", "INSERT OR UPDATE", "NEW.credits > 0"),
    # made again from what is kept, so that its commit need not wait
    "chunked": ("document_chunk_buffer", "INSERT", "true"),
}


async def watch(services: Services) -> None:
    """From now on each commit of a watched row is noted."""
    async with services.database.owner() as connection:
        for statement in (
            "CREATE TABLE upload_pipeline.commits (what text, waits text)",
            "GRANT SELECT, INSERT ON upload_pipeline.commits TO navigator_service",
            "CREATE FUNCTION upload_pipeline.note_commit() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN INSERT INTO upload_pipeline.commits VALUES (TG_ARGV[0], "
            "current_setting('synchronous_commit')); RETURN NULL; END $$",
            *(
                f"CREATE CONSTRAINT TRIGGER {what.replace(' ', '_')} AFTER {event} ON "
                f"upload_pipeline.{table} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
                f"WHEN ({condition}) EXECUTE FUNCTION upload_pipeline.note_commit('{what}')"
                for what, (table, event, condition) in WATCHED.items()
            ),
        ):
            await connection.exec_driver_sql(statement)


async def noted(services: Services) -> dict[str, set[str]]:
    """The settings under which each kind of row was committed."""
    found = await query(
        services, "SELECT what, array_agg(waits) AS waits FROM upload_pipeline.commits GROUP BY 1"
    )
    return {row["what"]: set(row["waits"]) for row in found}


async def test_what_was_accepted_paid_for_or_published_is_on_the_disk(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """Their commits wait for the disk; those of work that is done again for nothing do not."""
    policy(folder, "home")
    async with remote() as services:
        await watch(services)
        await ingest(services, [folder], ANNA)
        assert await states(services) == {"home.md": "complete"}
        assert await noted(services) == {
            "accepted": {"on"},
            "chunked": {"off"},
            "paid vector": {"on"},
            "money": {"on"},
            "published": {"on"},
        }


async def test_a_paid_parse_and_its_submission_are_on_the_disk(
    paying: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """That a file is being submitted, as which job, and what it cost: each commit waits."""
    policy(folder, "home")
    async with paying() as services:
        await watch(services)
        await ingest(services, [folder], ANNA)
        assert await states(services) == {"home.md": "complete"}
        found = await noted(services)
    for what in ("submission begun", "submitted", "paid parse", "money"):
        assert found[what] == {"on"}, what
