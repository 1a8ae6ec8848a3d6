-- Frozen: later changes are later migrations. `schema.py` describes the result.

CREATE TABLE upload_pipeline.access_log (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    user_id UUID NOT NULL,
    actor_id UUID NOT NULL,
    action TEXT NOT NULL,
    document_id UUID,
    items INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT access_log_pkey PRIMARY KEY (id)
);

CREATE INDEX access_log_user_id_at_idx ON upload_pipeline.access_log (user_id, at);

CREATE TABLE upload_pipeline.uploads (
    id UUID NOT NULL,
    user_id UUID NOT NULL,
    source TEXT,
    name TEXT NOT NULL,
    tags TEXT[] DEFAULT '{}' NOT NULL,
    declared_bytes BIGINT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    job_id UUID,
    CONSTRAINT uploads_pkey PRIMARY KEY (id)
);

CREATE INDEX uploads_user_id_idx ON upload_pipeline.uploads (user_id);

-- pages of a user's documents and jobs, newest first
CREATE INDEX documents_user_id_created_at_id_idx ON upload_pipeline.documents (user_id, created_at, id);

CREATE INDEX upload_jobs_user_id_created_at_id_idx ON upload_pipeline.upload_jobs (user_id, created_at, id);
