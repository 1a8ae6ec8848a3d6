"""Fencing: a worker that lost its job can write nothing more of it."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_TEST_FENCING = "tests/pipeline/store/test_fencing.py"
_TEST_STAGES = "tests/stages/test_fenced_stages.py"

MUTATIONS = (
    Mutation(
        "move-of-an-older-claim",
        "pipeline/store/transitions.py", "_MOVE", "j.attempt = m.attempt AND ", "",
        (f"{_TEST_FENCING}::test_a_claim_of_before_moves_nothing",),
        "the attempt is the fencing token, also within one process",
    ),
    Mutation(
        "move-by-another-worker",
        "pipeline/store/transitions.py", "_MOVE", "AND j.claimed_by = :worker", "",
        (
            "tests/pipeline/store/test_transitions.py"
            "::test_only_the_holder_at_the_named_state_moves_a_job",
        ),
        "only the holder moves a job",
    ),
    Mutation(
        "move-from-another-state",
        "pipeline/store/transitions.py", "_MOVE", "AND j.state = m.source", "",
        (
            "tests/pipeline/store/test_transitions.py"
            "::test_only_the_holder_at_the_named_state_moves_a_job",
            "tests/pipeline/store/test_lifecycle.py",
        ),
        "a step is made once, from the state that it was decided in",
    ),
    Mutation(
        "an-end-keeps-its-holder",
        "pipeline/store/transitions.py", "_MOVE",
        "THEN NULL ELSE j.claimed_by END", "THEN j.claimed_by ELSE j.claimed_by END",
        (
            "tests/pipeline/store/test_transitions.py"
            "::test_a_failure_keeps_its_reason_and_releases_the_job",
            "tests/pipeline/store/test_transitions.py"
            "::test_completing_resets_failures_and_holder",
        ),
        "a job that has ended is nobody's",
    ),
    Mutation(
        "claiming-keeps-the-attempt",
        "pipeline/store/claims.py", "_CLAIM", "attempt = attempt + 1", "attempt = attempt",
        (
            "tests/pipeline/store/test_claims.py"
            "::test_an_expired_lease_is_taken_over_and_the_late_writer_refused",
        ),
        "each claim has a fencing token of its own",
    ),
    Mutation(
        "held-without-the-attempt",
        "pipeline/store/claims.py", "_HELD", "AND j.attempt = held.attempt", "",
        (f"{_TEST_FENCING}::test_a_claim_of_before_holds_nothing",),
        "a stage works only on what this very claim holds",
    ),
    Mutation(
        "held-by-anybody",
        "pipeline/store/claims.py", "_HELD", "j.claimed_by = :worker AND", "",
        (f"{_TEST_FENCING}::test_what_was_given_back_is_not_held",),
        "what was given back is not worked on",
    ),
    Mutation(
        "trouble-of-an-older-claim",
        "pipeline/store/claims.py", "_TROUBLE", "AND j.attempt = held.attempt", "",
        (f"{_TEST_FENCING}::test_the_trouble_of_a_claim_of_before_is_not_the_jobs",),
        "the trouble of a worker that lost a job does not count against it",
    ),
    Mutation(
        "publication-of-an-older-claim",
        "pipeline/store/publication.py", "_LOCK", "AND j.attempt = held.attempt", "",
        (f"{_TEST_FENCING}::test_a_claim_of_before_publishes_nothing",),
        "readers never see what a worker publishes after it lost the job",
    ),
    Mutation(
        "publication-without-holding",
        "pipeline/store/publication.py", "_LOCK", "AND j.claimed_by = :worker", "",
        (f"{_TEST_FENCING}::test_what_was_given_back_is_not_published",),
        "readers never see what a worker publishes after it gave the job back",
    ),
    Mutation(
        "publication-of-an-earlier-state",
        "pipeline/store/publication.py", "_LOCK", "AND j.state = 'embeddings_stored'", "",
        (
            "tests/pipeline/store/test_publication.py"
            "::test_jobs_that_are_not_ours_to_publish_are_left_alone",
        ),
        "only what was chunked and embedded is published",
    ),
    Mutation(
        "publication-of-a-version-that-is-not-the-newest",
        "pipeline/store/publication.py", "_LOCK", "j.id = d.latest_job_id AND", "",
        (f"{_TEST_FENCING}::test_a_version_that_is_not_the_newest_is_not_published",),
        "an older version never replaces a newer one",
    ),
    Mutation(
        "chunks-of-a-lost-job-are-written",
        "stages/chunking.py", "_store", "if job.job_id in moved", "",
        (f"{_TEST_STAGES}::test_a_stage_that_lost_its_jobs_writes_nothing",),
        "a late chunk stage does not overwrite the new holder's chunks",
    ),
    Mutation(
        "a-cancel-does-not-fence",
        "pipeline/store/cancellation.py", "_FENCE", "attempt = attempt + 1", "attempt = attempt",
        ("tests/pipeline/store/test_cancellation.py"
         "::test_a_late_write_of_a_cancelled_job_is_refused",),
        "a cancelled job's worker cannot write, also after a person's retry",
    ),
    Mutation(
        "superseding-does-not-fence",
        "pipeline/store/superseded_jobs.py", "SUPERSEDE",
        "attempt = j.attempt + 1", "attempt = j.attempt",
        ("tests/pipeline/store/test_registration.py"
         "::test_a_newer_version_supersedes_what_was_not_published",),
        "an older version's worker cannot write, also after its bytes came back",
    ),
    Mutation(
        "the-database-takes-any-step",
        "pipeline/store/migrations/versions/0001_first.py", "_guard_states",
        "SELECT FROM state_transitions WHERE source = OLD.state AND target = NEW.state",
        "SELECT FROM state_transitions",
        ("tests/pipeline/store/test_transitions.py::test_every_illegal_step_is_refused",),
        "no statement can make a step that the state machine has not",
    ),
)  # fmt: skip
"""Each with the tests that notice."""
