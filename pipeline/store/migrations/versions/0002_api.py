"""For the HTTP API: the state `cancelled`, the access log, uploads in two steps, erasure."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"

SCHEMA = "upload_pipeline"
WORKING = (
    "uploaded", "parse_queued", "parsed", "parse_validated", "chunks_stored", "embeddings_stored",
)  # fmt: skip
OTHERS = (
    "complete", "failed_parse", "failed_validation", "failed_chunking", "failed_embedding",
    "quarantined",
)  # fmt: skip
BEFORE = (*WORKING, *OTHERS, "superseded", "deleted")
AFTER = (*WORKING, *OTHERS, "cancelled", "superseded", "deleted")
PAIRS = [
    *((state, "cancelled") for state in WORKING),
    *(("cancelled", state) for state in ("uploaded", "superseded", "deleted")),
]


def upgrade() -> None:
    """Add the state, the tables, and the one change that the audit allows."""
    _allow_states(AFTER)
    values = ", ".join(f"('{source}', '{target}')" for source, target in PAIRS)
    op.execute(f"INSERT INTO {SCHEMA}.state_transitions (source, target) VALUES {values}")
    op.execute(Path(__file__).with_suffix(".sql").read_text("utf-8"))
    for table in ("access_log", "uploads"):
        _protect(table)
    op.execute(f"REVOKE UPDATE, DELETE ON {SCHEMA}.access_log FROM navigator_service")
    _allow_erasure()


def downgrade() -> None:
    """Take it all back; cancelled jobs become failed ones, which a person can retry too."""
    op.execute(f"DROP TRIGGER job_events_erased_only ON {SCHEMA}.job_events")
    op.execute(f"DROP FUNCTION {SCHEMA}.refuse_other_changes()")
    op.execute(f"REVOKE UPDATE (details) ON {SCHEMA}.job_events FROM navigator_service")
    op.execute(f"DROP TABLE {SCHEMA}.access_log, {SCHEMA}.uploads")
    op.execute(f"DROP INDEX {SCHEMA}.documents_user_id_created_at_id_idx")
    op.execute(f"DROP INDEX {SCHEMA}.upload_jobs_user_id_created_at_id_idx")
    op.execute(f"ALTER TABLE {SCHEMA}.upload_jobs DISABLE TRIGGER upload_jobs_legal_transition")
    op.execute("SET LOCAL ROLE navigator_service")  # the owner itself sees no row
    op.execute(f"UPDATE {SCHEMA}.upload_jobs SET state = 'failed_parse' WHERE state = 'cancelled'")
    op.execute("RESET ROLE")
    op.execute(f"ALTER TABLE {SCHEMA}.upload_jobs ENABLE TRIGGER upload_jobs_legal_transition")
    op.execute(f"DELETE FROM {SCHEMA}.state_transitions WHERE 'cancelled' IN (source, target)")
    _allow_states(BEFORE)


def _allow_states(states: tuple[str, ...]) -> None:
    named = ", ".join(f"'{state}'" for state in states)
    for column in ("state", "failed_from"):
        name = f"upload_jobs_{column}_check"
        op.execute(f"ALTER TABLE {SCHEMA}.upload_jobs DROP CONSTRAINT {name}")
        op.execute(
            f"ALTER TABLE {SCHEMA}.upload_jobs ADD CONSTRAINT {name} CHECK ({column} IN ({named}))"
        )


def _protect(table: str) -> None:
    name = f"{SCHEMA}.{table}"
    op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY service ON {name} TO navigator_service USING (true) WITH CHECK (true)"
    )
    op.execute(
        f"CREATE POLICY reader ON {name} FOR SELECT TO navigator_reader USING "
        "(user_id = nullif(current_setting('navigator.user_id', true), '')::uuid)"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO navigator_service")
    op.execute(f"GRANT SELECT ON {name} TO navigator_reader")


def _allow_erasure() -> None:
    """An event's details may be blotted out when its user is erased; who, what, when stay."""
    op.execute(
        f"""
        CREATE FUNCTION {SCHEMA}.refuse_other_changes() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.details IS DISTINCT FROM '{{"erased": true}}'::jsonb THEN
                RAISE insufficient_privilege
                    USING MESSAGE = 'details of an event may only be erased';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        f"""
        CREATE TRIGGER job_events_erased_only BEFORE UPDATE ON {SCHEMA}.job_events
        FOR EACH ROW EXECUTE FUNCTION {SCHEMA}.refuse_other_changes()
        """
    )
    op.execute(f"GRANT UPDATE (details) ON {SCHEMA}.job_events TO navigator_service")
