"""Supersedes a document's older jobs when new bytes come, and revives them when old ones return.

Their parameters are those of a registration: `jobs` and `documents` in the same order, `run_id`,
`actor`.
"""

from __future__ import annotations

import sqlalchemy as sa

from pipeline.states import RETRYABLE, WORKING, JobState
from pipeline.store.schema import listed

LOST_CODES = ("file_missing", "object_missing", "object_damaged")
"""Errors that say that the storage lost what it had been given; new bytes mend them."""

LOSABLE = (JobState.FAILED_PARSE, JobState.FAILED_VALIDATION)
"""Ends in which such an error is met, and from which a job may begin again."""

_LOST = listed(LOST_CODES)
_LOST_STATES = listed(LOSABLE)

# The same bytes came back after another version, a deletion, or their loss from the storage: their
# job is taken up again.
REVIVE = sa.text(
    f"""
    WITH revived AS (
        UPDATE upload_jobs SET state = 'uploaded', finished_at = NULL,
            attempt = attempt + 1, claimed_by = NULL, lease_until = NULL,
            run_id = :run_id, stopped = NULL, failed_from = NULL, error_class = NULL,
            error_code = NULL, error_message = NULL, error_remedy = NULL,
            updated_at = clock_timestamp(),
            -- another life: a deletion took the text too, which a cached parse would still name
            correlation_id = CASE WHEN state = 'deleted' THEN gen_random_uuid()
                                  ELSE correlation_id END
        WHERE id = ANY(CAST(:jobs AS uuid[])) AND (state IN ('superseded', 'deleted')
            OR state IN ({_LOST_STATES}) AND error_code IN ({_LOST}))
        RETURNING *
    )
    INSERT INTO job_events
        (job_id, document_id, user_id, run_id, correlation_id, event, to_state, actor)
    SELECT id, document_id, user_id, :run_id, correlation_id, 'revived', 'uploaded', :actor
    FROM revived
    """
)
_UNFINISHED = listed((*WORKING, *RETRYABLE))
# A newer version came: what was not published of the older ones is no longer wanted.
SUPERSEDE = sa.text(
    f"""
    WITH latest AS (
        UPDATE documents AS d SET latest_job_id = s.job_id, updated_at = now()
        FROM unnest(CAST(:documents AS uuid[]), CAST(:jobs AS uuid[])) AS s(document_id, job_id)
        WHERE d.id = s.document_id
        RETURNING d.id, d.latest_job_id
    ), old AS (
        -- locked, so that it holds the state after a worker's step that commits meanwhile
        SELECT j.id, j.state FROM upload_jobs AS j JOIN latest AS l
        ON j.document_id = l.id AND j.id <> l.latest_job_id WHERE j.state IN ({_UNFINISHED})
        ORDER BY j.id FOR NO KEY UPDATE OF j
    ), superseded AS (
        UPDATE upload_jobs AS j SET state = 'superseded', claimed_by = NULL,
            lease_until = NULL, finished_at = clock_timestamp(), updated_at = clock_timestamp(),
            attempt = j.attempt + 1
        FROM old WHERE j.id = old.id
        RETURNING j.*, old.state AS from_state
    ), emptied AS (
        DELETE FROM document_chunk_buffer AS b USING superseded AS s WHERE b.job_id = s.id
    )
    INSERT INTO job_events
        (job_id, document_id, user_id, run_id, correlation_id, event, from_state, to_state, actor)
    SELECT id, document_id, user_id, :run_id, correlation_id, 'superseded', from_state,
           'superseded', :actor
    FROM superseded
    """
)
