"""Parsing: what was parsed once is found again, by whom, and when not."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_PARSED = "pipeline/store/parsed_files.py"
_TASKS = "flows/stage_tasks.py"
_TEST_REMOTE = "tests/stages/test_remote_parsing.py"
_TEST_PARSED = "tests/pipeline/store/test_parsed_files.py"

MUTATIONS = (
    Mutation(
        "a-text-of-another-parser-is-taken",
        _PARSED, "_FOUND", "AND p.parser = w.parser", "",
        (f"{_TEST_PARSED}::test_a_text_is_found_by_its_user_its_bytes_and_its_parser",),
        "a new version of the parser reads the files anew",
    ),
    Mutation(
        "a-text-of-another-user-is-taken",
        _PARSED, "_FOUND", "p.user_id = w.user_id AND", "",
        (f"{_TEST_PARSED}::test_a_text_is_found_by_its_user_its_bytes_and_its_parser",),
        "nobody is answered from another user's files",
    ),
    Mutation(
        "an-unfinished-parse-is-taken",
        _PARSED, "_FOUND", "WHERE p.state = 'done'", "",
        (f"{_TEST_PARSED}::test_only_a_finished_parse_is_found",),
        "a reservation is no text",
    ),
    Mutation(
        "a-finished-parse-is-reserved-again",
        _PARSED, "_RESERVE", "WHERE p.state = 'reserved' AND", "WHERE",
        (f"{_TEST_PARSED}::test_a_finished_parse_is_never_reserved",),
        "a file that was parsed is not parsed again",
    ),
    Mutation(
        "the-reservation-of-a-lost-worker-is-never-taken",
        _PARSED, "_RESERVE", "OR p.lease_until < now()", "",
        (f"{_TEST_PARSED}::test_a_reservation_is_taken_over_after_its_lease_and_not_before",),
        "a file whose worker was lost is parsed by the next",
    ),
    Mutation(
        "a-reservation-of-another-is-given-back",
        _PARSED, "_RELEASE", "AND claimed_by = :worker", "",
        (f"{_TEST_PARSED}::test_nobody_gives_back_anothers_reservation",),
        "a late worker cannot free what another has in flight",
    ),
    Mutation(
        "a-reservation-of-another-is-forgotten",
        _PARSED, "_FORGET", "AND claimed_by = :worker", "",
        (f"{_TEST_PARSED}::test_nobody_gives_back_anothers_reservation",),
        "a late worker cannot have a file submitted twice",
    ),
    Mutation(
        "a-failed-parse-keeps-its-reservation",
        "stages/remote_parsing.py", "_give_up",
        "await parsed_files.release(", "(lambda *given, **named: None)(",
        (f"{_TEST_REMOTE}::test_a_job_that_the_service_lost_is_submitted_once_more",
         f"{_TEST_REMOTE}::test_a_job_that_never_ends_has_a_deadline"),
        "what failed is free for whoever comes next",
    ),
    Mutation(
        "a-cached-parse-of-another-parser",
        _TASKS, "_content_key",
        "parts += [job.file_sha256, job.parser]", "parts += [job.file_sha256]",
        ("tests/flows/test_cache_keys.py",),
        "Prefect's cache does not answer for another parser",
    ),
    Mutation(
        "a-cached-parse-of-another-installation",
        _TASKS, "_content_key", "str(services().installation)", "\"\"",
        ("tests/flows/test_cache_keys.py",),
        "Prefect's cache does not answer for another database",
    ),
    Mutation(
        "a-cached-parse-after-a-retry",
        _TASKS, "_content_key", "str(job.failures)", "\"\"",
        ("tests/flows/test_cache_keys.py",),
        "a person's retry parses anew",
    ),
    Mutation(
        "a-cached-parse-after-a-deletion",
        _TASKS, "_content_key", "str(job.correlation_id)", "\"\"",
        ("tests/flows/test_cache_keys.py",),
        "a document that comes back after its deletion is parsed anew",
    ),
    Mutation(
        "a-webhook-without-a-signature",
        "pipeline/webhooks.py", "_require_signature", "if not any(fits):", "if False:",
        ("tests/pipeline/test_webhooks.py::test_a_wrong_signature_is_refused",),
        "nobody but the service tells of its jobs",
    ),
    Mutation(
        "an-old-webhook-counts",
        "pipeline/webhooks.py", "verify", "abs(now - event.timestamp) > age_seconds", "False",
        ("tests/pipeline/test_webhooks.py::test_the_signed_time_counts",),
        "an event that was recorded cannot be sent again",
    ),
    Mutation(
        "a-repeated-webhook-has-an-effect-again",
        "pipeline/store/webhook_events.py", "receive",
        "return Receipt.REPEATED", "receipt = Receipt.REPEATED",
        ("tests/pipeline/store/test_webhook_events.py",),
        "an event that is sent a hundred times wakes once",
    ),
)  # fmt: skip
"""Each with the tests that notice."""
