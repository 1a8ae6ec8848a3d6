"""The schema: the one description of the database. Alembic builds it; a test compares the two.

Every table that holds user data has a `user_id` and forced row-level security with two policies:
`navigator_service` (the pipeline) reaches every row, `navigator_reader` only the rows of the user
named by `SET LOCAL navigator.user_id`. Job events may only be added: no role may change them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pgvector.sqlalchemy import Vector
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, TSVECTOR

from pipeline.states import STOPS, JobState

SCHEMA = "upload_pipeline"
SEARCH_PATH = f"{SCHEMA}, public, pg_temp"
"""Of every transaction: pgvector is in `public`, and no temporary table hides one of ours."""
SERVICE_ROLE = "navigator_service"
READER_ROLE = "navigator_reader"
USER_SETTING = "navigator.user_id"

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    },
)


STORED_WITH = "with"
"""Under this key a table's `info` holds its storage parameters."""

# Rows stay whole in their page: vectors of up to 2,000 dimensions and chunk texts are otherwise cut
# up and put aside (and texts compressed) by every one of the writes on their way.
INLINE = {"toast_tuple_target": 8160}


def _now(name: str = "created_at") -> Column[datetime]:
    return Column(name, DateTime(timezone=True), nullable=False, server_default=text("now()"))


def _user() -> Column[object]:
    return Column("user_id", Uuid, nullable=False)


def _zero(name: str, kind: type = Integer) -> Column[object]:
    return Column(name, kind, nullable=False, server_default=text("0"))


def listed(values: Iterable[str]) -> str:
    """Constants of ours as SQL literals, for ``IN (…)``; never what came from outside."""
    return ", ".join(f"'{value}'" for value in values)


_STATES = listed(JobState)

documents = Table(
    "documents",
    metadata,
    Column("id", Uuid, primary_key=True),
    _user(),
    Column("source", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("tags", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("latest_job_id", Uuid),  # the newest bytes we were given
    Column("published_job_id", Uuid),  # the version that readers see
    _zero("versions"),
    _now(),
    _now("updated_at"),
    Column("deleted_at", DateTime(timezone=True)),
    # the e-mail or archive that it was attached to; goes with it
    Column("parent_id", Uuid, ForeignKey(f"{SCHEMA}.documents.id", ondelete="CASCADE")),
    UniqueConstraint("user_id", "source"),
    Index(None, "parent_id"),
    Index(None, "tags", postgresql_using="gin"),
    Index(None, "user_id", "created_at", "id"),
)

embedding_spaces = Table(
    "embedding_spaces",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("provider", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("dimension", Integer, nullable=False),
    Column("version", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'active'")),
    _now(),
    Column("indexed_at", DateTime(timezone=True)),
    # since when what is published in another space is owed to this one too; NULL: it is not
    Column("filled_since", DateTime(timezone=True)),
    Column("settings", JSONB),  # how its embedder is opened; secrets as references
    # of servers that were seen to give its vectors; empty where the model's name is enough
    Column("addresses", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("note", Text),
    CheckConstraint("state IN ('building', 'active', 'retired')", name="state"),
    CheckConstraint("dimension BETWEEN 1 AND 4000", name="dimension"),
)

upload_jobs = Table(
    "upload_jobs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("document_id", Uuid, ForeignKey(documents.c.id, ondelete="CASCADE"), nullable=False),
    _user(),
    Column("version", Integer, nullable=False),
    Column("correlation_id", Uuid, nullable=False),
    # what is worked on, and by which code
    Column("file_sha256", Text, nullable=False),
    Column("file_bytes", BigInteger, nullable=False),
    Column("media_type", Text),
    Column("storage_key", Text, nullable=False),
    Column("parser", Text, nullable=False),
    Column("chunker", Text, nullable=False),
    Column("space_id", Uuid, ForeignKey(embedding_spaces.c.id), nullable=False),
    # where it stands
    Column("state", Text, nullable=False, server_default=text("'uploaded'")),
    Column("claimed_by", Text),
    Column("lease_until", DateTime(timezone=True)),
    _zero("attempt"),
    # whose it is: the run that took it, while that run holds its own lease
    Column("run_id", Uuid),
    Column("stopped", Text),  # it waits for a person: see `states.Stop`
    # why it failed
    Column("failed_from", Text),
    Column("error_class", Text),
    Column("error_code", Text),
    Column("error_message", Text),
    Column("error_remedy", Text),
    Column("acknowledged_at", DateTime(timezone=True)),  # a person knows of its failure
    _zero("failures"),
    # what it met that was not its own fault: counted for the pauses alone, since its last step
    _zero("troubles"),
    Column("not_before", DateTime(timezone=True)),
    Column("waits_for", Text),  # a provider whose circuit was open
    # what came of it
    Column("parsed_key", Text),
    Column("pages", Integer),
    Column("coverage", Double),  # share of pages with text
    Column("characters", BigInteger),
    _zero("replaced"),
    Column("chunks", Integer),
    Column("tokens", BigInteger),
    _zero("billed_tokens", BigInteger),
    _zero("cost_usd", Numeric),
    Column("stage_seconds", JSONB, nullable=False, server_default=text("'{}'")),
    # gaps, left-out text, replaced readings: [{kind, message, pages}]
    Column("notes", JSONB, nullable=False, server_default=text("'[]'")),
    Column("facts", JSONB, nullable=False, server_default=text("'{}'")),  # of the file itself
    Column("language", Text, nullable=False, server_default=text("''")),
    Column("personal_data", JSONB),  # how often each kind stands in it; NULL: not counted
    # by which version of each suite it was judged last: {suite: version}
    Column("suites", JSONB, nullable=False, server_default=text("'{}'")),
    _now(),
    _now("updated_at"),
    Column("finished_at", DateTime(timezone=True)),
    CheckConstraint(f"state IN ({_STATES})", name="state"),
    CheckConstraint(f"failed_from IN ({_STATES})", name="failed_from"),
    CheckConstraint(f"stopped IN ({listed(STOPS)})", name="stopped"),
    Index(None, "document_id"),
    Index(None, "user_id", "file_sha256"),
    Index(None, "user_id", "created_at", "id"),
    # No index over the state, and room in each page: a job's row changes at every stage, and so
    # none of its indexes does.
    info={STORED_WITH: {"fillfactor": 50}},
)

parsed_files = Table(
    "parsed_files",
    metadata,
    # the same bytes of one user are parsed once
    Column("user_id", Uuid, primary_key=True),
    Column("file_sha256", Text, primary_key=True),
    Column("parser", Text, primary_key=True),
    Column("state", Text, nullable=False, server_default=text("'reserved'")),
    Column("claimed_by", Text),
    Column("lease_until", DateTime(timezone=True)),
    Column("remote_job_id", Text),
    Column("submitted_at", DateTime(timezone=True)),
    Column("storage_key", Text),
    Column("pages", Integer),
    Column("characters", BigInteger),
    _zero("credits", Numeric),
    _now(),
    CheckConstraint("state IN ('reserved', 'done')", name="state"),
    Index(None, "remote_job_id"),
)

document_chunk_buffer = Table(
    "document_chunk_buffer",
    metadata,
    Column("job_id", Uuid, ForeignKey(upload_jobs.c.id, ondelete="CASCADE"), primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("chunk_id", Uuid, nullable=False),
    _user(),
    Column("occurrence", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("start_offset", Integer, nullable=False),
    Column("end_offset", Integer, nullable=False),
    Column("heading_path", ARRAY(Text), nullable=False),
    Column("page_first", Integer),
    Column("page_last", Integer),
    Column("tokens", Integer, nullable=False),
    Column("context", Text, nullable=False, server_default=text("''")),
    Column("role", Text, nullable=False, server_default=text("'other'")),
    Index(None, "sha256"),
    info={STORED_WITH: INLINE},
)

document_vector_buffer = Table(
    "document_vector_buffer",
    metadata,
    Column("space_id", Uuid, ForeignKey(embedding_spaces.c.id), primary_key=True),
    Column("sha256", Text, primary_key=True),
    # whose it is; `vector_owners.SHARED_OWNER` where an operator shares vectors between users
    Column("user_id", Uuid, primary_key=True),
    Column("job_id", Uuid, nullable=False),  # the job that pays for it
    Column("claimed_by", Text),
    Column("lease_until", DateTime(timezone=True)),
    Column("embedding", Vector()),  # NULL while the request is in flight
    _now(),
    Index(None, "job_id"),
    info={STORED_WITH: INLINE},
)

document_chunks = Table(
    "document_chunks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("document_id", Uuid, ForeignKey(documents.c.id, ondelete="CASCADE"), nullable=False),
    _user(),
    Column("ordinal", Integer, nullable=False),
    Column("occurrence", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("start_offset", Integer, nullable=False),
    Column("end_offset", Integer, nullable=False),
    Column("heading_path", ARRAY(Text), nullable=False),
    Column("page_first", Integer),
    Column("page_last", Integer),
    Column("tokens", Integer, nullable=False),
    _now("published_at"),
    Column("search", TSVECTOR, nullable=False),  # headings (A), context (B) and text, folded
    # a table's caption and the names of its columns, for a passage that begins within it
    Column("context", Text, nullable=False, server_default=text("''")),
    Column("role", Text, nullable=False, server_default=text("'other'")),  # exclusion, limit …
    # by which version of the rule `search` was made; 0 is Postgres's own, of a program before it
    Column("words_rule", SmallInteger, nullable=False, server_default=text("0")),
    # checked at commit, because publishing moves ordinals
    UniqueConstraint("document_id", "ordinal", deferrable=True, initially="DEFERRED"),
    Index(None, "user_id"),
    # Shrinks to nothing as `maintain` makes the words of older chunks anew.
    Index("document_chunks_old_words_idx", "user_id", postgresql_where=text("words_rule = 0")),
    # No index over `search`: row-level security keeps a reader's query from it, because `@@` is not
    # leakproof. So a word search scans the user's rows, twice as fast with nothing put aside.
    info={STORED_WITH: INLINE},
)

# In which languages a user's chunks have their words, so in which a question's are made.
word_languages = Table(
    "word_languages",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    Column("language", Text, primary_key=True),  # ISO 639-1, empty when it cannot be told
    _now(),
)

chunk_vectors = Table(
    "chunk_vectors",
    metadata,
    Column("space_id", Uuid, ForeignKey(embedding_spaces.c.id), primary_key=True),
    Column(
        "chunk_id", Uuid, ForeignKey(document_chunks.c.id, ondelete="CASCADE"), primary_key=True
    ),
    _user(),
    Column("sha256", Text, nullable=False),
    Column("embedding", Vector(), nullable=False),
    Index(None, "chunk_id"),
    Index(None, "space_id", "sha256", "user_id"),
    # each space is a partition with its own dimension and, when large, its own HNSW index
    postgresql_partition_by="LIST (space_id)",
)

unindexed_chunks = Table(
    "unindexed_chunks",
    metadata,
    # chunks whose words are in no segment yet: triggers on `document_chunks` keep these rows
    Column("user_id", Uuid, primary_key=True),
    Column("chunk_id", Uuid, primary_key=True),
)

removed_chunks = Table(
    "removed_chunks",
    metadata,
    # what a segment holds of these chunks is void; triggers on `document_chunks` add the rows
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _user(),
    Column("chunk_id", Uuid, nullable=False),
    Index(None, "user_id"),
)

word_segments = Table(
    "word_segments",
    metadata,
    # chunks whose words are indexed together; `pipeline.store.word_index` says how
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _user(),
    Column("chunks", Integer, nullable=False),
    Column("chunk_ids", BYTEA, nullable=False),  # 16 bytes each, sorted
    Column("lengths", BYTEA, nullable=False),  # of each, how many different words it has
    # Of each, the place of its document among the ids (16 bytes each), and of its role among the
    # names; NULL in segments that the release before wrote.
    Column("document_ids", BYTEA),
    Column("documents", BYTEA),
    Column("role_names", ARRAY(Text)),
    Column("roles", BYTEA),
    Column("dead", BYTEA, nullable=False, server_default=text("''")),  # a bit each: it is gone
    _zero("dead_chunks"),
    Column("dead_since", DateTime(timezone=True)),
    _now(),
    Index(None, "user_id"),
)

word_postings = Table(
    "word_postings",
    metadata,
    # a posting list: the chunks of a segment that have a word, and how often
    Column("segment_id", BigInteger, primary_key=True, autoincrement=False),
    Column("lexeme", Text(collation="C"), primary_key=True),
    _user(),
    Column("ordinals", BYTEA, nullable=False),
    Column("counts", BYTEA, nullable=False),
)

ingest_runs = Table(
    "ingest_runs",
    metadata,
    Column("id", Uuid, primary_key=True),
    _user(),
    Column("kind", Text, nullable=False),
    Column("flow_run_id", Uuid),
    Column("options", JSONB, nullable=False, server_default=text("'{}'")),
    Column("max_cost_usd", Numeric),
    _zero("cost_usd", Numeric),
    _zero("reserved_usd", Numeric),  # promised to requests in flight
    Column("stopped", Text),  # why it stopped early, in one sentence
    # files that could not be taken in: [{source, code, message, remedy}]
    Column("rejected", JSONB, nullable=False, server_default=text("'[]'")),
    Column("started_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("finished_at", DateTime(timezone=True)),
    # who works on it, as long as it says so: meanwhile its jobs are its own
    Column("held_by", Text),
    Column("held_until", DateTime(timezone=True)),
    # a backfill that a person paused, and one whose documents are all chosen
    Column("paused_at", DateTime(timezone=True)),
    Column("selected_at", DateTime(timezone=True)),
    # a person wants it, so it lifts stops; a schedule's run does not
    Column("asked", Boolean, nullable=False, server_default=text("true")),
    Index(None, "held_until", postgresql_where=text("finished_at IS NULL")),
)

run_jobs = Table(
    "run_jobs",
    metadata,
    Column("run_id", Uuid, ForeignKey(ingest_runs.c.id, ondelete="CASCADE"), primary_key=True),
    Column("job_id", Uuid, ForeignKey(upload_jobs.c.id, ondelete="CASCADE"), primary_key=True),
    _user(),
    Column("source", Text, nullable=False),
    Column("outcome", Text, nullable=False),  # new, changed, unchanged, waiting, failed_before
    Index(None, "job_id"),
)

job_events = Table(
    "job_events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    # no foreign keys: the audit outlives what it tells of
    Column("job_id", Uuid),
    Column("document_id", Uuid),
    _user(),
    Column("run_id", Uuid),
    Column("correlation_id", Uuid),
    Column("event", Text, nullable=False),
    Column("from_state", Text),
    Column("to_state", Text),
    Column("attempt", Integer),
    Column("actor", Text, nullable=False),
    Column("details", JSONB, nullable=False, server_default=text("'{}'")),
    Index(None, "job_id"),
    Index(None, "document_id"),
    Index(None, "correlation_id"),
)

service_calls = Table(
    "service_calls",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    Column("user_id", Uuid),  # NULL when one request served several users
    Column("run_id", Uuid),
    Column("service", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("code", Text),
    Column("seconds", Double, nullable=False),
    _zero("inputs"),
    _zero("tokens", BigInteger),
    _zero("cost_usd", Numeric),
    Column("request_id", Text),
    Index(None, "run_id"),
    Index(None, "at"),
)

spending_months = Table(
    "spending_months",
    metadata,
    # the ledger's sums of a calendar month (UTC); of everybody together: identity.EVERYBODY
    Column("month", Date, primary_key=True),
    Column("user_id", Uuid, primary_key=True),
    _zero("spent_usd", Numeric),
)

spending_reservations = Table(
    "spending_reservations",
    metadata,
    # promised to requests under way, under a month's cap
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, primary_key=True),
    Column("month", Date, nullable=False),
    Column("usd", Numeric, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)

quality_results = Table(
    "quality_results",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _now("at"),
    Column("user_id", Uuid),  # NULL for a batch that holds several users' documents
    Column("run_id", Uuid),
    Column("job_id", Uuid),  # NULL for the row that sums up the batch
    Column("suite", Text, nullable=False),
    Column("suite_version", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("success", Boolean, nullable=False),
    Column("evaluated", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("observed", Text),
    Column("sentence", Text, nullable=False),
    Column("examples", JSONB, nullable=False, server_default=text("'[]'")),
    Index(None, "run_id"),
    Index(None, "job_id"),
)

provider_budgets = Table(
    "provider_budgets",
    metadata,
    Column("provider", Text, primary_key=True),
    Column("requests_per_minute", Integer),
    Column("tokens_per_minute", Integer),
    Column("requests_left", Double, nullable=False, server_default=text("0")),
    Column("tokens_left", Double, nullable=False, server_default=text("0")),
    _now("refilled_at"),
    Column("paused_until", DateTime(timezone=True)),
    Column("circuit", Text, nullable=False, server_default=text("'closed'")),
    _zero("failures"),
    Column("opened_until", DateTime(timezone=True)),
    Column("open_since", DateTime(timezone=True)),  # the first opening, while no answer comes
    Column("told_since", DateTime(timezone=True)),  # the outage that a person was told of
    Column("reason", Text),
    CheckConstraint("circuit IN ('closed', 'open', 'half_open')", name="circuit"),
)

webhook_events = Table(
    "webhook_events",
    metadata,
    Column("event_id", Uuid, primary_key=True),
    Column("user_id", Uuid),
    Column("event_type", Text, nullable=False),
    Column("remote_job_id", Text),
    Column("outcome", Text, nullable=False),
    _now("received_at"),
)

access_log = Table(
    "access_log",
    metadata,
    # who read what of whose: originals, exports, searches (never their words), erasures
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    _user(),  # whose data
    Column("actor_id", Uuid, nullable=False),  # who asked
    Column("action", Text, nullable=False),
    Column("document_id", Uuid),
    _zero("items"),  # passages found, documents exported …
    Index(None, "user_id", "at"),
)

uploads = Table(
    "uploads",
    metadata,
    # uploads in two steps: announced, then sent to a signed URL, then completed
    Column("id", Uuid, primary_key=True),
    _user(),
    Column("source", Text),
    Column("name", Text, nullable=False),
    Column("tags", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("declared_bytes", BigInteger),
    _now(),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("job_id", Uuid),  # once it is complete
    Index(None, "user_id"),
)

unsettled_objects = Table(
    "unsettled_objects",
    metadata,
    # what may lie in the storage though no row names it: on its way in, or given up
    Column("user_id", Uuid, primary_key=True),
    Column("stem", Text, primary_key=True),  # see clients/storage/objects.py
    Column("holder", Uuid, primary_key=True),
    Column("held_until", DateTime(timezone=True), nullable=False),
    Index(None, "held_until"),
)

maintenance_runs = Table(
    "maintenance_runs",
    metadata,
    # what maintenance found and mended; ids only, no text and no name
    Column("id", Uuid, primary_key=True),
    Column("started_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    _now("finished_at"),
    Column("fix", Boolean, nullable=False),  # it mended, or only looked
    # of each kind: [{kind, found, mended, person}]
    Column("tallies", JSONB, nullable=False, server_default=text("'[]'")),
    # checks that could not be made, with the reason: {name: sentence}
    Column("unlooked", JSONB, nullable=False, server_default=text("'{}'")),
    Index(None, "finished_at"),
)

maintenance_findings = Table(
    "maintenance_findings",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("run_id", Uuid, ForeignKey(maintenance_runs.c.id, ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("detail", Text, nullable=False),
    Column("mended", Boolean, nullable=False),
    Column("person", Boolean, nullable=False),  # it waits for a person, unless it was mended
    Index(None, "run_id"),
)

vector_recall = Table(
    "vector_recall",
    metadata,
    # of each space's vector index, how much of what is nearest searches find
    Column("space_id", Uuid, primary_key=True),
    _now("measured_at"),
    Column("questions", Integer, nullable=False),
    Column("recall", Double, nullable=False),
    Column("worst", Double, nullable=False),
)

watch_figures = Table(
    "watch_figures",
    metadata,
    # figures that no other table keeps, by the hour: queue age, free room, search times …
    Column("measure", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("at", DateTime(timezone=True), primary_key=True),  # the begin of the hour
    Column("number", Integer, nullable=False),  # of looks in it
    Column("total", Double, nullable=False),
    Column("latest", Double, nullable=False),
    Column("least", Double, nullable=False),
    Column("most", Double, nullable=False),
)

processes = Table(
    "processes",
    metadata,
    # API and workers that run: what each is of, with its settings; secrets as keyed hashes
    Column("id", Text, primary_key=True),  # as `pipeline.worker_identity` names it
    Column("kind", Text, nullable=False),
    Column("environment", Text),
    Column("release", Text),
    Column("settings", JSONB, nullable=False),
    _now("started_at"),
    _now("seen_at"),
)

sources = Table(
    "sources",
    metadata,
    # sources that an operator added: `pipeline.source_definition`
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("url", Text, nullable=False),  # without a secret
    Column("owner_id", Uuid),  # whose its documents are when no rule maps them
    Column("rights", JSONB, nullable=False, server_default=text("'[]'")),
    Column("tags", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("exclude", JSONB, nullable=False, server_default=text("'[]'")),
    Column("options", JSONB, nullable=False, server_default=text("'{}'")),
    Column("credentials", Text),  # where they are, not what they are
    Column("sync", Boolean, nullable=False, server_default=text("true")),
    Column("interval_seconds", Integer),
    Column("cron", Text),
    Column("paused_at", DateTime(timezone=True)),
    _now(),
    Column("run_id", Uuid),  # the run that reads it, as long as that holds its lease
    # the last run that ended, and what came of it
    Column("last_run_id", Uuid),
    Column("read_at", DateTime(timezone=True)),
    Column("counts", JSONB, nullable=False, server_default=text("'{}'")),
    Column("trouble", Text),
)

source_objects = Table(
    "source_objects",
    metadata,
    # what was seen in a source, so that only what has changed since is read
    Column("source", Text, primary_key=True),  # as of the document
    Column("user_id", Uuid, primary_key=True),
    # the added source that it came by; no foreign key, which would lock that with every object
    Column("source_id", Uuid),
    Column("stamp", Text, nullable=False),  # ETag, version: other bytes have another
    Column("revision", Text, nullable=False, server_default=text("''")),  # of the labels too
    Column("size", BigInteger, nullable=False),
    Column("file_sha256", Text, nullable=False),
    _now("seen_at"),
    Index(None, "source_id", "source"),
)

state_transitions = Table(
    "state_transitions",
    metadata,
    # `pipeline.states.TRANSITIONS` as rows: a trigger refuses every other change of state
    Column("source", Text, primary_key=True),
    Column("target", Text, primary_key=True),
)

installation = Table(
    "installation",
    metadata,
    # one row: names this database, so that a cached result of another one is never taken for ours
    Column("id", Uuid, primary_key=True, server_default=text("gen_random_uuid()")),
    Column("single", Boolean, nullable=False, server_default=text("true"), unique=True),
    _now(),
    CheckConstraint("single", name="single"),
    # the oldest revision whose programs this schema still serves
    Column("oldest_program", Text, nullable=False, server_default=text("'0011'")),
    # the space that answers questions; NULL: the one that the settings name
    Column("active_space_id", Uuid, ForeignKey(embedding_spaces.c.id)),
    # how large chunks are where no setting says otherwise; see `pipeline.chunk_sizes`
    Column("chunk_tokens", Integer, nullable=False, server_default=text("600")),
    Column("chunk_overlap_tokens", Integer, nullable=False, server_default=text("50")),
    CheckConstraint(
        "chunk_tokens BETWEEN 32 AND 8000 AND chunk_overlap_tokens BETWEEN 0 AND chunk_tokens / 3",
        name="chunk_sizes",
    ),
)

space_backlog = Table(
    "space_backlog",
    metadata,
    # published documents of which a space that is filled beside lacks vectors
    Column("space_id", Uuid, ForeignKey(embedding_spaces.c.id), primary_key=True),
    Column("document_id", Uuid, ForeignKey(documents.c.id, ondelete="CASCADE"), primary_key=True),
    _user(),
    _now(),
    Index(None, "document_id"),
)

space_switches = Table(
    "space_switches",
    metadata,
    # each change of the space that answers: from which, who, why, and what the comparison said
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _now(),
    Column("kind", Text, nullable=False),
    Column("from_space_id", Uuid, ForeignKey(embedding_spaces.c.id), nullable=False),
    Column("to_space_id", Uuid, ForeignKey(embedding_spaces.c.id), nullable=False),
    Column("who", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=text("''")),
    Column("comparison", JSONB),
    CheckConstraint("kind IN ('switch', 'rollback')", name="kind"),
)

recipes = Table(
    "recipes",
    metadata,
    # other ways to cut what is published: see `pipeline.store.recipes`
    Column("id", Uuid, primary_key=True),
    Column("chunker", Text, nullable=False),
    Column("chunk_tokens", Integer, nullable=False),
    Column("chunk_overlap_tokens", Integer, nullable=False),
    _now(),
)

recipe_documents = Table(
    "recipe_documents",
    metadata,
    # a published version as it is cut by a recipe; no reader sees it until it is switched to
    Column("recipe_id", Uuid, ForeignKey(recipes.c.id), primary_key=True),
    Column("document_id", Uuid, ForeignKey(documents.c.id, ondelete="CASCADE"), primary_key=True),
    _user(),
    Column("job_id", Uuid, nullable=False),  # the version; another one makes it void
    Column("chunker", Text, nullable=False),
    Column("chunks", Integer, nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("refused", Text),  # why it cannot be published so
    _now(),
    Index(None, "document_id"),
)

recipe_chunks = Table(
    "recipe_chunks",
    metadata,
    # as `document_chunks`
    Column("recipe_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("document_id", Uuid, nullable=False),
    _user(),
    Column("ordinal", Integer, nullable=False),
    Column("occurrence", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("start_offset", Integer, nullable=False),
    Column("end_offset", Integer, nullable=False),
    Column("heading_path", ARRAY(Text), nullable=False),
    Column("page_first", Integer),
    Column("page_last", Integer),
    Column("tokens", Integer, nullable=False),
    _now("published_at"),
    Column("search", TSVECTOR, nullable=False),
    Column("context", Text, nullable=False, server_default=text("''")),
    Column("role", Text, nullable=False, server_default=text("'other'")),
    Column("words_rule", SmallInteger, nullable=False, server_default=text("0")),
    ForeignKeyConstraint(
        ["recipe_id", "document_id"],
        [recipe_documents.c.recipe_id, recipe_documents.c.document_id],
        ondelete="CASCADE",
    ),
    Index(None, "recipe_id", "document_id"),
    Index(None, "user_id", "recipe_id"),
    info={STORED_WITH: INLINE},
)

recipe_vectors = Table(
    "recipe_vectors",
    metadata,
    # as `chunk_vectors`, of every space that is kept
    Column("recipe_id", Uuid, primary_key=True),
    Column("space_id", Uuid, ForeignKey(embedding_spaces.c.id), primary_key=True),
    Column("chunk_id", Uuid, primary_key=True),
    _user(),
    Column("sha256", Text, nullable=False),
    Column("embedding", Vector(), nullable=False),
    ForeignKeyConstraint(
        ["recipe_id", "chunk_id"],
        [recipe_chunks.c.recipe_id, recipe_chunks.c.id],
        ondelete="CASCADE",
    ),
    Index(None, "recipe_id", "chunk_id"),
    Index(None, "space_id", "sha256", "user_id"),
    info={STORED_WITH: INLINE},
)

recipe_switches = Table(
    "recipe_switches",
    metadata,
    # each exchange of what is published for what a recipe had made: from which, who and why
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _now(),
    Column("kind", Text, nullable=False),
    Column("from_tokens", Integer, nullable=False),
    Column("from_overlap_tokens", Integer, nullable=False),
    Column("from_chunker", Text, nullable=False),
    Column("to_tokens", Integer, nullable=False),
    Column("to_overlap_tokens", Integer, nullable=False),
    Column("to_chunker", Text, nullable=False),
    Column("documents", Integer, nullable=False),
    Column("who", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=text("''")),
    Column("comparison", JSONB),
    CheckConstraint("kind IN ('switch', 'rollback')", name="kind"),
)

releases = Table(
    "releases",
    metadata,
    # what may be deployed here: code, lock, schema, suites, deployments; the file is in the storage
    Column("id", Text, primary_key=True),
    Column("manifest", JSONB, nullable=False),
    Column("artifact_key", Text, nullable=False),
    _now(),
)

rollouts = Table(
    "rollouts",
    metadata,
    # each deployment of a release to this environment, and how it ended
    Column("id", Uuid, primary_key=True),
    Column("environment", Text, nullable=False),
    Column("release_id", Text, ForeignKey(releases.c.id), nullable=False),
    Column("previous_id", Uuid, ForeignKey("upload_pipeline.rollouts.id")),  # what it goes back to
    Column("revision_before", Text, nullable=False),  # of the schema
    Column("declared", JSONB, nullable=False),  # the environment; secrets as references
    Column("step", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=text("''")),
    Column("verification", JSONB),
    Column("who", Text, nullable=False),
    _now(),
    _now("updated_at"),
    Column("ended_at", DateTime(timezone=True)),
    Index(
        "rollouts_one_under_way_idx",
        "environment",
        unique=True,
        postgresql_where=text("ended_at IS NULL"),
    ),
    Index(None, "created_at"),
)

schema_contractions = Table(
    "schema_contractions",
    metadata,
    # what was taken away from the schema once no release needed it any more
    Column("name", Text, primary_key=True),
    _now(),
)

shadow_runs = Table(
    "shadow_runs",
    metadata,
    # another release that works on a share of the new documents without publishing them
    Column("id", Uuid, primary_key=True),
    Column("environment", Text, nullable=False),
    Column("release_id", Text, nullable=False),
    Column("share", Double, nullable=False),  # of the documents, above 0 to 1
    Column("wanted", Integer, nullable=False),  # documents to be compared
    Column("max_cost_usd", Numeric, nullable=False),
    _zero("spent_usd", Numeric),
    Column("first_event", BigInteger, nullable=False),  # of the audit; what came before is not new
    Column("who", Text, nullable=False),
    _now(),
    Column("ended_at", DateTime(timezone=True)),
    Column("reason", Text, nullable=False, server_default=text("''")),
    Column("statistics", JSONB),  # what was left of the results when it ended: counts and shares
    CheckConstraint("share > 0 AND share <= 1", name="share"),
    Index(
        "shadow_runs_one_under_way_idx",
        "environment",
        unique=True,
        postgresql_where=text("ended_at IS NULL"),
    ),
)

shadow_results = Table(
    "shadow_results",
    metadata,
    # one document on both sides: hashes, verdicts and times; gone when the shadow ends
    Column("shadow_id", Uuid, ForeignKey(shadow_runs.c.id, ondelete="CASCADE"), primary_key=True),
    Column("job_id", Uuid, ForeignKey(upload_jobs.c.id, ondelete="CASCADE"), primary_key=True),
    _user(),
    Column("published", JSONB, nullable=False),  # by the release that runs
    Column("found", JSONB, nullable=False),  # by the other one
    _zero("cost_usd", Numeric),
    _now(),
    Index(None, "job_id"),
)

golden_questions = Table(
    "golden_questions",
    metadata,
    Column("id", Uuid, primary_key=True),  # of the user and the words: the same again is the same
    _user(),
    Column("question", Text, nullable=False),
    Column("expected", JSONB, nullable=False),  # passages, as in a file of golden questions
    Column("asked_at", DateTime(timezone=True)),  # by the nightly check
    Column("found_at", Integer),  # the place of the first passage expected; null: not found
    _now(),
    Index(None, "user_id"),
)

legal_holds = Table(
    "legal_holds",
    metadata,
    # documents that nobody may delete; what is named of owner, document and tag has to match
    Column("id", Uuid, primary_key=True),
    Column("owner_id", Uuid),
    Column("document_id", Uuid),  # with all inside it; no key: a hold outlives everything
    Column("tag", Text),
    Column("reason", Text, nullable=False),
    Column("who", Text, nullable=False),
    _now(),
    Column("lifted_at", DateTime(timezone=True)),
    Column("lifted_reason", Text, nullable=False, server_default=text("''")),
    CheckConstraint("num_nonnulls(owner_id, document_id, tag) > 0", name="scope"),
)

retention_rules = Table(
    "retention_rules",
    metadata,
    # how long documents are kept; the longest that applies counts
    Column("name", Text, primary_key=True),
    Column("owner_id", Uuid),  # null: everybody's
    Column("tag", Text),  # null: whatever its tags
    Column("days", Integer, nullable=False),
    Column("who", Text, nullable=False),
    _now(),
    CheckConstraint("days > 0", name="days"),
)

incidents = Table(
    "incidents",
    metadata,
    # alerts of one cause, from the first to the last
    Column("id", Uuid, primary_key=True, server_default=text("gen_random_uuid()")),
    Column("cause", Text, nullable=False),
    Column("title", Text, nullable=False),
    _now("opened_at"),
    Column("closed_at", DateTime(timezone=True)),
    Column("closed_by", Text),  # a person, or itself
    Column("closed_why", Text, nullable=False, server_default=text("''")),
    Index(
        "incidents_one_open_idx", "cause", unique=True, postgresql_where=text("closed_at IS NULL")
    ),
    Index(None, "opened_at"),
)

alerts = Table(
    "alerts",
    metadata,
    # what somebody has to know of the installation; one open alert of a kind and key
    Column("id", Uuid, primary_key=True, server_default=text("gen_random_uuid()")),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("evidence", JSONB, nullable=False, server_default=text("'{}'")),
    Column("cause", Text, nullable=False, server_default=text("''")),
    _now("opened_at"),
    _now("seen_at"),
    _now("told_at"),  # when its steps were planned last: escalation counts from here
    Column("round", Integer, nullable=False, server_default=text("1")),  # of telling
    Column("count", Integer, nullable=False, server_default=text("1")),
    Column("acknowledged_at", DateTime(timezone=True)),
    Column("acknowledged_by", Text),
    Column("acknowledged_why", Text),
    Column("closed_at", DateTime(timezone=True)),
    Column("closed_why", Text),
    Column("incident_id", Uuid, ForeignKey(incidents.c.id)),
    CheckConstraint("severity IN ('info', 'warning', 'critical')", name="severity"),
    Index(
        "alerts_one_open_idx",
        "kind",
        "key",
        unique=True,
        postgresql_where=text("closed_at IS NULL"),
    ),
    Index(None, "opened_at"),
    Index(None, "incident_id"),
)

machine_answers = Table(
    "machine_answers",
    metadata,
    # what the program did about an incident by itself; the same again within an hour is counted
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("answer", Text, nullable=False),  # as restart or requeue
    Column("cause", Text, nullable=False),  # of which incidents, as `pipeline.incident_causes` says
    Column("said", Text, nullable=False),
    Column("count", Integer, nullable=False, server_default=text("1")),
    _now("at"),
    _now("seen_at"),
    Index(None, "seen_at"),
)

alert_deliveries = Table(
    "alert_deliveries",
    metadata,
    # each message that was sent of an alert, or is to be unless somebody acknowledges it
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("alert_id", Uuid, ForeignKey(alerts.c.id, ondelete="CASCADE"), nullable=False),
    Column("round", Integer, nullable=False),
    Column("step", Integer, nullable=False),  # of the route, from 0
    Column("target", Text, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),  # while one sends, when that is over
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("outcome", Text, nullable=False, server_default=text("'waiting'")),
    Column("sent_at", DateTime(timezone=True)),
    Column("detail", Text, nullable=False, server_default=text("''")),
    CheckConstraint("outcome IN ('waiting', 'sent', 'failed', 'cancelled')", name="outcome"),
    Index(None, "alert_id", "round", "step", "target", unique=True),
    Index(
        "alert_deliveries_waiting_idx",
        "due_at",
        postgresql_where=text("outcome = 'waiting'"),
    ),
)

report_seals = Table(
    "report_seals",
    metadata,
    # the hash chain over quality reports: each statement is signed and names the one before it
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Uuid, nullable=False),  # of the report that was made, or removed
    Column("kind", Text, nullable=False),
    Column("user_id", Uuid),  # whose documents it is about; NULL: everybody's
    Column("run_id", Uuid),
    # a mark for each user whose documents it is over, for their erasure
    Column("owners", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("previous", Text, nullable=False),
    Column("statement", Text, nullable=False),  # canonical JSON, to the byte what was signed
    Column("signature", Text, nullable=False),
    CheckConstraint("kind IN ('report', 'removal')", name="kind"),
    UniqueConstraint("id", "kind"),
    Index(None, "user_id"),
    Index(None, "run_id"),
)

report_contents = Table(
    "report_contents",
    metadata,
    # what was signed: the figures as canonical JSON and the page, both gzipped; can be erased
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid),
    Column("content", BYTEA, nullable=False),
    Column("page", BYTEA, nullable=False),
)

review_decisions = Table(
    "review_decisions",
    metadata,
    Column("id", Uuid, primary_key=True),
    _user(),
    # no foreign keys: a decision is about bytes, and outlives the version that it was made of
    Column("document_id", Uuid, nullable=False),
    Column("job_id", Uuid, nullable=False),
    Column("file_sha256", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("who", Text, nullable=False),
    # what is accepted or rejected: [{suite, rule, sentence, failed}]
    Column("findings", JSONB, nullable=False, server_default=text("'[]'")),
    Column("correction", JSONB),  # as `pipeline.corrections` has it
    Column(
        "created_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=text("clock_timestamp()"),
    ),
    # the decision that this one takes back; each is taken back once
    Column("undoes", Uuid),
    CheckConstraint("decision IN ('accept', 'correct', 'reject', 'undo')", name="decision"),
    CheckConstraint("(decision = 'correct') = (correction IS NOT NULL)", name="correction"),
    CheckConstraint("(decision = 'undo') = (undoes IS NOT NULL)", name="undoes"),
    Index(None, "undoes", unique=True),
    Index(None, "user_id", "file_sha256"),
    Index(None, "document_id"),
)

USER_TABLES = (
    documents,
    upload_jobs,
    parsed_files,
    document_chunk_buffer,
    document_vector_buffer,
    document_chunks,
    word_languages,
    chunk_vectors,
    ingest_runs,
    run_jobs,
    job_events,
    service_calls,
    quality_results,
    webhook_events,
    access_log,
    uploads,
    unsettled_objects,
    source_objects,
    unindexed_chunks,
    removed_chunks,
    word_segments,
    word_postings,
    space_backlog,
    shadow_results,
    golden_questions,
    report_seals,
    report_contents,
    review_decisions,
    recipe_documents,
    recipe_chunks,
    recipe_vectors,
    spending_months,
    spending_reservations,
)
"""Tables with user data: row-level security is enabled and forced on each."""

DERIVED_TABLES = (unindexed_chunks, removed_chunks, word_segments, word_postings, vector_recall)
"""Tables that are made anew from the others: no backup holds them."""

OPERATOR_TABLES = (
    maintenance_runs,
    maintenance_findings,
    releases,
    rollouts,
    schema_contractions,
    processes,
    sources,
    vector_recall,
    watch_figures,
    space_switches,
    shadow_runs,
    legal_holds,
    retention_rules,
    alerts,
    incidents,
    machine_answers,
    alert_deliveries,
    recipes,
    recipe_switches,
)
"""For operators, about everybody's data: row-level security is forced, and no reader sees a row."""

APPEND_ONLY = (job_events, access_log, report_seals)
"""Tables that the service role may add to and read, nothing else."""
