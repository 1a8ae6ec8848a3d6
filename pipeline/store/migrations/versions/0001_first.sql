-- The first schema. Frozen: later changes are later migrations. `schema.py` describes the result.

CREATE TABLE upload_pipeline.documents (
    id UUID NOT NULL,
    user_id UUID NOT NULL,
    source TEXT NOT NULL,
    name TEXT NOT NULL,
    tags TEXT[] DEFAULT '{}' NOT NULL,
    latest_job_id UUID,
    published_job_id UUID,
    versions INTEGER DEFAULT 0 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT documents_pkey PRIMARY KEY (id),
    CONSTRAINT documents_user_id_source_key UNIQUE (user_id, source)
);

CREATE INDEX documents_tags_idx ON upload_pipeline.documents USING gin (tags);

CREATE TABLE upload_pipeline.embedding_spaces (
    id UUID NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    dimension INTEGER NOT NULL,
    version TEXT NOT NULL,
    state TEXT DEFAULT 'active' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    indexed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT embedding_spaces_pkey PRIMARY KEY (id),
    CONSTRAINT embedding_spaces_state_check CHECK (state IN ('building', 'active', 'retired')),
    CONSTRAINT embedding_spaces_dimension_check CHECK (dimension BETWEEN 1 AND 4000)
);

CREATE TABLE upload_pipeline.ingest_runs (
    id UUID NOT NULL,
    user_id UUID NOT NULL,
    kind TEXT NOT NULL,
    flow_run_id UUID,
    options JSONB DEFAULT '{}' NOT NULL,
    max_cost_usd NUMERIC,
    cost_usd NUMERIC DEFAULT 0 NOT NULL,
    reserved_usd NUMERIC DEFAULT 0 NOT NULL,
    stopped TEXT,
    rejected JSONB DEFAULT '[]' NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT ingest_runs_pkey PRIMARY KEY (id)
);

CREATE TABLE upload_pipeline.installation (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    single BOOLEAN DEFAULT true NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT installation_pkey PRIMARY KEY (id),
    CONSTRAINT installation_single_check CHECK (single),
    CONSTRAINT installation_single_key UNIQUE (single)
);

CREATE TABLE upload_pipeline.job_events (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    job_id UUID,
    document_id UUID,
    user_id UUID NOT NULL,
    run_id UUID,
    correlation_id UUID,
    event TEXT NOT NULL,
    from_state TEXT,
    to_state TEXT,
    attempt INTEGER,
    actor TEXT NOT NULL,
    details JSONB DEFAULT '{}' NOT NULL,
    CONSTRAINT job_events_pkey PRIMARY KEY (id)
);

CREATE INDEX job_events_correlation_id_idx ON upload_pipeline.job_events (correlation_id);

CREATE INDEX job_events_document_id_idx ON upload_pipeline.job_events (document_id);

CREATE INDEX job_events_job_id_idx ON upload_pipeline.job_events (job_id);

CREATE TABLE upload_pipeline.parsed_files (
    user_id UUID NOT NULL,
    file_sha256 TEXT NOT NULL,
    parser TEXT NOT NULL,
    state TEXT DEFAULT 'reserved' NOT NULL,
    claimed_by TEXT,
    lease_until TIMESTAMP WITH TIME ZONE,
    remote_job_id TEXT,
    submitted_at TIMESTAMP WITH TIME ZONE,
    storage_key TEXT,
    pages INTEGER,
    characters BIGINT,
    credits NUMERIC DEFAULT 0 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT parsed_files_pkey PRIMARY KEY (user_id, file_sha256, parser),
    CONSTRAINT parsed_files_state_check CHECK (state IN ('reserved', 'done'))
);

CREATE TABLE upload_pipeline.provider_budgets (
    provider TEXT NOT NULL,
    requests_per_minute INTEGER,
    tokens_per_minute INTEGER,
    requests_left DOUBLE PRECISION DEFAULT 0 NOT NULL,
    tokens_left DOUBLE PRECISION DEFAULT 0 NOT NULL,
    refilled_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    paused_until TIMESTAMP WITH TIME ZONE,
    circuit TEXT DEFAULT 'closed' NOT NULL,
    failures INTEGER DEFAULT 0 NOT NULL,
    opened_until TIMESTAMP WITH TIME ZONE,
    reason TEXT,
    CONSTRAINT provider_budgets_pkey PRIMARY KEY (provider),
    CONSTRAINT provider_budgets_circuit_check CHECK (circuit IN ('closed', 'open', 'half_open'))
);

CREATE TABLE upload_pipeline.quality_results (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    user_id UUID,
    run_id UUID,
    job_id UUID,
    suite TEXT NOT NULL,
    suite_version TEXT NOT NULL,
    rule TEXT NOT NULL,
    title TEXT NOT NULL,
    severity TEXT NOT NULL,
    success BOOLEAN NOT NULL,
    evaluated INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    observed TEXT,
    sentence TEXT NOT NULL,
    examples JSONB DEFAULT '[]' NOT NULL,
    CONSTRAINT quality_results_pkey PRIMARY KEY (id)
);

CREATE INDEX quality_results_job_id_idx ON upload_pipeline.quality_results (job_id);

CREATE INDEX quality_results_run_id_idx ON upload_pipeline.quality_results (run_id);

CREATE TABLE upload_pipeline.service_calls (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    user_id UUID,
    run_id UUID,
    service TEXT NOT NULL,
    operation TEXT NOT NULL,
    outcome TEXT NOT NULL,
    code TEXT,
    seconds DOUBLE PRECISION NOT NULL,
    inputs INTEGER DEFAULT 0 NOT NULL,
    tokens BIGINT DEFAULT 0 NOT NULL,
    cost_usd NUMERIC DEFAULT 0 NOT NULL,
    request_id TEXT,
    CONSTRAINT service_calls_pkey PRIMARY KEY (id)
);

CREATE INDEX service_calls_at_idx ON upload_pipeline.service_calls (at);

CREATE INDEX service_calls_run_id_idx ON upload_pipeline.service_calls (run_id);

CREATE TABLE upload_pipeline.state_transitions (
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    CONSTRAINT state_transitions_pkey PRIMARY KEY (source, target)
);

CREATE TABLE upload_pipeline.webhook_events (
    event_id UUID NOT NULL,
    user_id UUID,
    event_type TEXT NOT NULL,
    remote_job_id TEXT,
    outcome TEXT NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT webhook_events_pkey PRIMARY KEY (event_id)
);

CREATE TABLE upload_pipeline.document_chunks (
    id UUID NOT NULL,
    document_id UUID NOT NULL,
    user_id UUID NOT NULL,
    ordinal INTEGER NOT NULL,
    occurrence INTEGER NOT NULL,
    text TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    start_offset INTEGER NOT NULL,
    end_offset INTEGER NOT NULL,
    heading_path TEXT[] NOT NULL,
    page_first INTEGER,
    page_last INTEGER,
    tokens INTEGER NOT NULL,
    published_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    search TSVECTOR NOT NULL,
    CONSTRAINT document_chunks_pkey PRIMARY KEY (id),
    CONSTRAINT document_chunks_document_id_ordinal_key UNIQUE (document_id, ordinal) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT document_chunks_document_id_fkey FOREIGN KEY(document_id) REFERENCES upload_pipeline.documents (id) ON DELETE CASCADE
)
 WITH (toast_tuple_target = 8160);

CREATE INDEX document_chunks_user_id_idx ON upload_pipeline.document_chunks (user_id);

CREATE TABLE upload_pipeline.document_vector_buffer (
    space_id UUID NOT NULL,
    sha256 TEXT NOT NULL,
    user_id UUID NOT NULL,
    job_id UUID NOT NULL,
    claimed_by TEXT,
    lease_until TIMESTAMP WITH TIME ZONE,
    embedding VECTOR,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT document_vector_buffer_pkey PRIMARY KEY (space_id, sha256),
    CONSTRAINT document_vector_buffer_space_id_fkey FOREIGN KEY(space_id) REFERENCES upload_pipeline.embedding_spaces (id)
)
 WITH (toast_tuple_target = 8160);

CREATE INDEX document_vector_buffer_job_id_idx ON upload_pipeline.document_vector_buffer (job_id);

CREATE TABLE upload_pipeline.upload_jobs (
    id UUID NOT NULL,
    document_id UUID NOT NULL,
    user_id UUID NOT NULL,
    version INTEGER NOT NULL,
    correlation_id UUID NOT NULL,
    file_sha256 TEXT NOT NULL,
    file_bytes BIGINT NOT NULL,
    media_type TEXT,
    storage_key TEXT NOT NULL,
    parser TEXT NOT NULL,
    chunker TEXT NOT NULL,
    space_id UUID NOT NULL,
    state TEXT DEFAULT 'uploaded' NOT NULL,
    claimed_by TEXT,
    lease_until TIMESTAMP WITH TIME ZONE,
    attempt INTEGER DEFAULT 0 NOT NULL,
    failed_from TEXT,
    error_class TEXT,
    error_code TEXT,
    error_message TEXT,
    error_remedy TEXT,
    failures INTEGER DEFAULT 0 NOT NULL,
    not_before TIMESTAMP WITH TIME ZONE,
    parsed_key TEXT,
    pages INTEGER,
    coverage DOUBLE PRECISION,
    characters BIGINT,
    replaced INTEGER DEFAULT 0 NOT NULL,
    chunks INTEGER,
    tokens BIGINT,
    billed_tokens BIGINT DEFAULT 0 NOT NULL,
    cost_usd NUMERIC DEFAULT 0 NOT NULL,
    stage_seconds JSONB DEFAULT '{}' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT upload_jobs_pkey PRIMARY KEY (id),
    CONSTRAINT upload_jobs_state_check CHECK (state IN ('uploaded', 'parse_queued', 'parsed', 'parse_validated', 'chunks_stored', 'embeddings_stored', 'complete', 'failed_parse', 'failed_validation', 'failed_chunking', 'failed_embedding', 'quarantined', 'superseded', 'deleted')),
    CONSTRAINT upload_jobs_failed_from_check CHECK (failed_from IN ('uploaded', 'parse_queued', 'parsed', 'parse_validated', 'chunks_stored', 'embeddings_stored', 'complete', 'failed_parse', 'failed_validation', 'failed_chunking', 'failed_embedding', 'quarantined', 'superseded', 'deleted')),
    CONSTRAINT upload_jobs_document_id_fkey FOREIGN KEY(document_id) REFERENCES upload_pipeline.documents (id) ON DELETE CASCADE,
    CONSTRAINT upload_jobs_space_id_fkey FOREIGN KEY(space_id) REFERENCES upload_pipeline.embedding_spaces (id)
)
 WITH (fillfactor = 50);

CREATE INDEX upload_jobs_document_id_idx ON upload_pipeline.upload_jobs (document_id);

CREATE INDEX upload_jobs_user_id_file_sha256_idx ON upload_pipeline.upload_jobs (user_id, file_sha256);

CREATE TABLE upload_pipeline.chunk_vectors (
    space_id UUID NOT NULL,
    chunk_id UUID NOT NULL,
    user_id UUID NOT NULL,
    sha256 TEXT NOT NULL,
    embedding VECTOR NOT NULL,
    CONSTRAINT chunk_vectors_pkey PRIMARY KEY (space_id, chunk_id),
    CONSTRAINT chunk_vectors_space_id_fkey FOREIGN KEY(space_id) REFERENCES upload_pipeline.embedding_spaces (id),
    CONSTRAINT chunk_vectors_chunk_id_fkey FOREIGN KEY(chunk_id) REFERENCES upload_pipeline.document_chunks (id) ON DELETE CASCADE
)
 PARTITION BY LIST (space_id);

CREATE INDEX chunk_vectors_chunk_id_idx ON upload_pipeline.chunk_vectors (chunk_id);

CREATE INDEX chunk_vectors_sha256_idx ON upload_pipeline.chunk_vectors (sha256);

CREATE TABLE upload_pipeline.document_chunk_buffer (
    job_id UUID NOT NULL,
    ordinal INTEGER NOT NULL,
    chunk_id UUID NOT NULL,
    user_id UUID NOT NULL,
    occurrence INTEGER NOT NULL,
    text TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    start_offset INTEGER NOT NULL,
    end_offset INTEGER NOT NULL,
    heading_path TEXT[] NOT NULL,
    page_first INTEGER,
    page_last INTEGER,
    tokens INTEGER NOT NULL,
    CONSTRAINT document_chunk_buffer_pkey PRIMARY KEY (job_id, ordinal),
    CONSTRAINT document_chunk_buffer_job_id_fkey FOREIGN KEY(job_id) REFERENCES upload_pipeline.upload_jobs (id) ON DELETE CASCADE
)
 WITH (toast_tuple_target = 8160);

CREATE INDEX document_chunk_buffer_sha256_idx ON upload_pipeline.document_chunk_buffer (sha256);

CREATE TABLE upload_pipeline.run_jobs (
    run_id UUID NOT NULL,
    job_id UUID NOT NULL,
    user_id UUID NOT NULL,
    source TEXT NOT NULL,
    outcome TEXT NOT NULL,
    CONSTRAINT run_jobs_pkey PRIMARY KEY (run_id, job_id),
    CONSTRAINT run_jobs_run_id_fkey FOREIGN KEY(run_id) REFERENCES upload_pipeline.ingest_runs (id) ON DELETE CASCADE,
    CONSTRAINT run_jobs_job_id_fkey FOREIGN KEY(job_id) REFERENCES upload_pipeline.upload_jobs (id) ON DELETE CASCADE
);

CREATE INDEX run_jobs_job_id_idx ON upload_pipeline.run_jobs (job_id);
