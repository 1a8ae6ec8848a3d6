"""The first schema: tables, the two roles, forced row-level security, append-only events."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None

SCHEMA = "upload_pipeline"
USER_TABLES = (
    "documents",
    "upload_jobs",
    "parsed_files",
    "document_chunk_buffer",
    "document_vector_buffer",
    "document_chunks",
    "chunk_vectors",
    "ingest_runs",
    "run_jobs",
    "job_events",
    "service_calls",
    "quality_results",
    "webhook_events",
)
# As they stood when this migration was written; a test compares them with `pipeline.states`.
TRANSITIONS = {
    "uploaded": "parse_queued failed_parse superseded deleted",
    "parse_queued": "parsed failed_parse superseded deleted",
    "parsed": "parse_validated failed_validation quarantined superseded deleted",
    "parse_validated": "chunks_stored failed_chunking superseded deleted",
    "chunks_stored": "embeddings_stored failed_embedding quarantined superseded deleted",
    "embeddings_stored": "chunks_stored complete quarantined superseded deleted",
    "complete": "superseded deleted",
    "failed_parse": "uploaded superseded deleted",
    "failed_validation": "uploaded superseded deleted",
    "failed_chunking": "uploaded superseded deleted",
    "failed_embedding": "chunks_stored superseded deleted",
    "quarantined": "uploaded superseded deleted",
    "superseded": "uploaded deleted",
    "deleted": "uploaded",
}
SHARED_TABLES = ("embedding_spaces", "provider_budgets", "installation")


def upgrade() -> None:
    """Build everything in an empty schema."""
    _roles()
    op.execute(Path(__file__).with_suffix(".sql").read_text("utf-8"))
    op.execute(f"GRANT USAGE ON SCHEMA {SCHEMA} TO navigator_service, navigator_reader")
    for table in USER_TABLES:
        _protect(table)
    for table in SHARED_TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {SCHEMA}.{table} TO navigator_service")
    op.execute(f"GRANT SELECT ON {SCHEMA}.embedding_spaces TO navigator_reader")
    _guard_states()
    # The audit may be added to and read; nobody changes it.
    op.execute(f"REVOKE UPDATE, DELETE ON {SCHEMA}.job_events FROM navigator_service")
    op.execute(f"INSERT INTO {SCHEMA}.installation DEFAULT VALUES")


def downgrade() -> None:
    """Remove the schema. The roles stay: other databases of the cluster may use them."""
    op.execute(f"DROP SCHEMA {SCHEMA} CASCADE")


def _roles() -> None:
    # Roles belong to the cluster, so another database may have made them, even at this moment.
    for role in ("navigator_service", "navigator_reader"):
        op.execute(
            f"""
            DO $$ BEGIN
                -- looked up first: who may not make roles may find them made by an administrator
                IF to_regrole('{role}') IS NULL THEN
                    CREATE ROLE {role} NOLOGIN;
                END IF;
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
            END $$
            """
        )
        op.execute(
            f"""
            DO $$ BEGIN
                IF current_setting('server_version_num')::int >= 160000 THEN
                    -- Making a role gives no right to become it. Nothing is inherited, so that the
                    -- login itself sees no user's rows.
                    IF NOT pg_has_role(current_user, '{role}', 'SET') THEN
                        EXECUTE format(
                            'GRANT {role} TO %I WITH INHERIT FALSE, SET TRUE', current_user);
                    END IF;
                ELSIF NOT pg_has_role(current_user, '{role}', 'MEMBER') THEN
                    EXECUTE format('GRANT {role} TO %I', current_user);
                END IF;
            END $$
            """
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


def _guard_states() -> None:
    pairs = ", ".join(
        f"('{source}', '{target}')"
        for source, targets in TRANSITIONS.items()
        for target in targets.split()
    )
    op.execute(f"INSERT INTO {SCHEMA}.state_transitions (source, target) VALUES {pairs}")
    op.execute(f"GRANT SELECT ON {SCHEMA}.state_transitions TO navigator_service")
    op.execute(
        f"""
        CREATE FUNCTION {SCHEMA}.refuse_illegal_transition() RETURNS trigger
        LANGUAGE plpgsql SET search_path = {SCHEMA} AS $$
        BEGIN
            IF NOT EXISTS (
                SELECT FROM state_transitions WHERE source = OLD.state AND target = NEW.state
            ) THEN
                RAISE check_violation
                    USING MESSAGE = format('a job cannot go from %s to %s', OLD.state, NEW.state);
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        f"""
        CREATE TRIGGER upload_jobs_legal_transition
        BEFORE UPDATE OF state ON {SCHEMA}.upload_jobs
        FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
        EXECUTE FUNCTION {SCHEMA}.refuse_illegal_transition()
        """
    )
