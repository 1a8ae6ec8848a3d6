"""Leases: who holds a job or a reservation, for how long, and who may take it over."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_CLAIMS = "pipeline/store/claims.py"
_BATCH = "stages/batch.py"
_BEATING = "stages/heartbeat.py"
_VECTORS = "pipeline/store/vector_buffer.py"
_TEST_CLAIMS = "tests/pipeline/store/test_claims.py"
_TEST_HEART = "tests/stages/test_heartbeat.py"
_TEST_SLEEPING = "tests/stages/test_sleeping.py"
_TEST_PERMISSION = "tests/stages/test_admission_control.py"
_TEST_VECTORS = "tests/pipeline/store/test_vector_buffer.py"

MUTATIONS = (
    Mutation(
        "claim-waits-for-locked-jobs",
        _CLAIMS, "_CLAIM", "FOR UPDATE SKIP LOCKED", "FOR UPDATE",
        (f"{_TEST_CLAIMS}::test_a_second_claimer_gets_the_others_without_waiting",),
        "one slow transaction must not hold up every other worker",
    ),
    Mutation(
        "claim-takes-a-living-lease",
        _CLAIMS, "_CLAIM", "claimed_by IS NULL OR", "true OR",
        (f"{_TEST_CLAIMS}::test_a_living_holder_keeps_its_job",),
        "a job has one worker at a time",
    ),
    Mutation(
        "claim-never-takes-an-expired-lease",
        _CLAIMS, "_CLAIM", "OR lease_until < now()", "",
        (f"{_TEST_CLAIMS}::test_an_expired_lease_is_taken_over_and_the_late_writer_refused",),
        "the jobs of a worker on a lost machine are taken over",
    ),
    Mutation(
        "claim-waits-for-a-dead-process",
        _CLAIMS, "_CLAIM", "OR claimed_by = ANY(:dead)", "OR claimed_by = ANY(:dead) AND false",
        (
            f"{_TEST_CLAIMS}"
            "::test_the_jobs_of_a_killed_local_process_are_taken_over_at_once",
        ),
        "what a killed process held is taken over at once",
    ),
    Mutation(
        "claim-of-any-pipeline-version",
        _CLAIMS, "_CLAIM", "AND parser = :parser AND chunker = :chunker", "",
        (f"{_TEST_CLAIMS}::test_other_pipeline_versions_and_unknown_jobs_are_left_alone",),
        "no document is made by two pipelines",
    ),
    Mutation(
        "renewing-revives-an-expired-lease",
        _CLAIMS, "_RENEW", "AND j.lease_until >= now()", "",
        (f"{_TEST_CLAIMS}::test_renewing_never_revives_an_expired_lease",),
        "a worker that slept past its lease has lost it",
    ),
    Mutation(
        "claims-are-not-given-back",
        _BATCH, "_release", "await claims.release(", "claims.release and (",
        (f"{_TEST_HEART}::test_what_a_worker_has_left_is_free_at_once",),
        "unfinished jobs go on at once, not after the lease",
    ),
    Mutation(
        "release-of-an-older-claim",
        _CLAIMS, "_RELEASE", "AND j.attempt = held.attempt", "",
        (f"{_TEST_CLAIMS}::test_a_late_release_leaves_the_newer_claim_of_the_same_worker",),
        "a late batch cannot give away what the worker holds anew",
    ),
    Mutation(
        "heartbeat-900-times-slower",
        _BEATING, "_beat", "lease / 3", "lease * 300",
        (f"{_TEST_HEART}::test_work_longer_than_a_lease_stays_its_workers[upload_jobs]",),
        "a batch that takes longer than a lease stays its worker's",
    ),
    Mutation(
        "heartbeat-renews-no-claims",
        _BATCH, "_renew", "await claims.renew(", "claims.renew and (",
        (f"{_TEST_HEART}::test_work_longer_than_a_lease_stays_its_workers[upload_jobs]",),
        "a batch that takes longer than a lease stays its worker's",
    ),
    Mutation(
        "heartbeat-renews-no-reservations",
        _BATCH, "_renew", "await vector_buffer.renew(", "vector_buffer.renew and (",
        (f"{_TEST_HEART}::test_work_longer_than_a_lease_stays_its_workers[document_vector_buffer]",),
        "a text whose request takes long is not bought by somebody else too",
    ),
    Mutation(
        "heartbeat-stops-at-the-first-trouble",
        _BEATING, "_beat", "with suppress(TransientError):", "with suppress():",
        (f"{_TEST_HEART}::test_a_heartbeat_outlives_a_database_that_was_away",),
        "one lost connection does not lose the batch",
    ),
    Mutation(
        "reservation-of-a-living-worker-is-taken",
        _VECTORS, "_RESERVE", "w.claimed_by IS NULL OR", "true OR",
        (
            f"{_TEST_VECTORS}"
            "::test_a_repeated_text_is_reserved_once_with_the_headings_above_it",
        ),
        "a text in flight is bought once",
    ),
    Mutation(
        "expired-reservation-is-never-taken",
        _VECTORS, "_RESERVE", "OR w.lease_until < now()", "",
        (
            f"{_TEST_VECTORS}"
            "::test_reservations_are_taken_over_when_the_lease_has_run_out",
        ),
        "the texts of a lost worker are embedded by the next",
    ),
    Mutation(
        "reservation-of-a-dead-process-is-waited-for",
        _VECTORS, "_RESERVE", "OR w.claimed_by = ANY(:dead)", "",
        (
            f"{_TEST_VECTORS}"
            "::test_reservations_of_a_dead_local_process_are_taken_over_at_once",
        ),
        "what a killed process was embedding is taken over at once",
    ),
    Mutation(
        "reservations-are-not-given-back",
        "stages/embedding_requests.py", "Sender.send",
        "await self._give_back(texts)", "self._give_back(texts).close()",
        (
            "tests/stages/test_embedding.py"
            "::test_an_answer_that_cannot_be_right_is_never_published",
        ),
        "texts without an answer are free for whoever comes next",
    ),
    Mutation(
        "giving-back-drops-the-reservations-of-others",
        _VECTORS, "_RELEASE", "AND claimed_by = :worker", "",
        (f"{_TEST_VECTORS}::test_released_reservations_are_free_and_answers_stay",),
        "another worker's request in flight stays reserved",
    ),
    Mutation(
        "renewing-the-reservations-of-others",
        _VECTORS, "_RENEW", "AND claimed_by = :worker", "",
        (f"{_TEST_VECTORS}::test_nobody_prolongs_the_reservation_of_another",),
        "the lease of a worker that is gone runs out",
    ),
    Mutation(
        "worker-of-another-machine-is-called-dead",
        "pipeline/worker_identity.py", "_is_dead",
        'machine == f"{platform.node()}/{_boot()}" and', "True and",
        ("tests/pipeline/test_worker_identity.py",),
        "a process number says nothing of another machine's process",
    ),
    Mutation(
        "process-number-given-again-is-called-alive",
        "pipeline/worker_identity.py", "_is_gone", "abs(_started(pid) - started) > 0.5", "False",
        ("tests/pipeline/test_worker_identity.py",),
        "the jobs of a dead process are freed although its number is used again",
    ),
    Mutation(
        "a-request-is-sent-past-its-lease",
        "pipeline/store/leases.py", "texts_held",
        "sorted((await connection.execute(_TEXTS, values)).scalars())",
        "range(1, len(texts) + 1) if values else []",
        (f"{_TEST_SLEEPING}::test_texts_that_others_took_are_not_bought_after_waking",),
        "a worker that wakes up buys nothing that others took meanwhile",
    ),
    Mutation(
        "a-file-is-submitted-past-its-lease",
        "stages/submission.py", "submit_once", "external, hold.require)", "external)",
        (f"{_TEST_SLEEPING}::test_a_file_that_others_had_parsed_is_not_submitted_after_waking",),
        "a worker that wakes up submits nothing that others had parsed meanwhile",
    ),
    Mutation(
        "what-ran-out-is-lost",
        "pipeline/store/leases.py", "regain",
        "await connection.execute(_REGAIN, values)", "values.clear()",
        (f"{_TEST_SLEEPING}::test_a_worker_whose_work_nobody_took_goes_on_after_waking",),
        "a machine that was suspended goes on with what nobody took",
    ),
    Mutation(
        "an-old-permission-is-good",
        "stages/admission_control.py", "Admission.admit",
        "steady_seconds() - asked < needed_seconds(self._services)", "asked",
        (f"{_TEST_PERMISSION}::test_what_was_allowed_too_long_ago_is_asked_for_again",),
        "a process that was stopped while it asked asks again",
    ),
)  # fmt: skip
"""Each with the tests that notice."""
