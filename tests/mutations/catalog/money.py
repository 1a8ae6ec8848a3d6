"""Money: nothing is paid for twice, nothing beyond the cap, and every answer is on the bill."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_TEST_RUNS = "tests/pipeline/store/test_runs.py"
_TEST_EMBEDDING = "tests/stages/test_embedding.py"
_TEST_DURABLE = "tests/stages/test_durable_commits.py"
_KEEPING = "stages/durable_writes.py"
_PERMISSION = "stages/admission_control.py"
_SUBMITTING = "stages/submission.py"

MUTATIONS = (
    Mutation(
        "paid-vectors-are-not-flushed",
        _KEEPING, "_keep", "database.service()", "database.service(repeatable=True)",
        (f"{_TEST_DURABLE}::test_what_was_accepted_paid_for_or_published_is_on_the_disk",),
        "a crash of Postgres does not lose vectors that were paid for",
    ),
    Mutation(
        "accepted-uploads-are-not-flushed",
        "stages/intake.py", "take_in",
        "service() as connection:\n            if parent",
        "service(repeatable=True) as connection:\n            if parent",
        (f"{_TEST_DURABLE}::test_what_was_accepted_paid_for_or_published_is_on_the_disk",),
        "a crash of Postgres does not lose what was accepted",
    ),
    Mutation(
        "publications-are-not-flushed",
        "stages/publishing.py", "_publish",
        "database.service()", "database.service(repeatable=True)",
        (f"{_TEST_DURABLE}::test_what_was_accepted_paid_for_or_published_is_on_the_disk",),
        "a crash of Postgres does not undo what a person was told is published",
    ),
    Mutation(
        "paid-parses-are-not-flushed",
        "stages/remote_parsing.py", "_keep",
        "database.service()", "database.service(repeatable=True)",
        (f"{_TEST_DURABLE}::test_a_paid_parse_and_its_submission_are_on_the_disk",),
        "a crash of Postgres does not lose a parse that was paid for",
    ),
    Mutation(
        "submissions-are-not-flushed",
        _SUBMITTING, "submit_once",
        "service() as connection:\n"
        "        await parsed_files.note_submission(connection, *who, None)",
        "service(repeatable=True) as connection:\n"
        "        await parsed_files.note_submission(connection, *who, None)",
        (f"{_TEST_DURABLE}::test_a_paid_parse_and_its_submission_are_on_the_disk",),
        "a crash of Postgres does not forget that a file was submitted",
    ),
    Mutation(
        "every-commit-waits-for-no-disk",
        "pipeline/store/engine.py", "Database.service",
        "_BECOME_SOON if repeatable else _BECOME", "_BECOME_SOON",
        (f"{_TEST_DURABLE}::test_what_was_accepted_paid_for_or_published_is_on_the_disk",),
        "only work that can be done again is committed without the disk",
    ),
    Mutation(
        "promises-are-not-counted-to-the-cap",
        "pipeline/store/cost_caps.py", "_RESERVE",
        "cost_usd + reserved_usd + :usd", "cost_usd + :usd",
        (f"{_TEST_RUNS}::test_concurrent_promises_never_pass_the_cap",),
        "requests in flight together stay within the cap",
    ),
    Mutation(
        "nothing-is-promised",
        "pipeline/store/cost_caps.py", "_RESERVE", "reserved_usd = reserved_usd + :usd",
        "reserved_usd = reserved_usd + 0 * :usd",
        (f"{_TEST_RUNS}::test_concurrent_promises_never_pass_the_cap",),
        "requests in flight together stay within the cap",
    ),
    Mutation(
        "promises-are-kept-after-the-answer",
        "pipeline/store/cost_caps.py", "_SPEND", "greatest(reserved_usd - :reserved, 0)",
        "greatest(reserved_usd - 0 * :reserved, 0)",
        (f"{_TEST_RUNS}::test_a_released_promise_can_be_given_again",),
        "a run spends its whole cap",
    ),
    Mutation(
        "a-refusal-keeps-its-promise",
        _KEEPING, "_paid", "parts, asked.reserved,", "parts, 0 * asked.reserved,",
        (f"{_TEST_EMBEDDING}::test_a_refused_request_gives_its_promise_back",),
        "requests that were refused do not eat up the cap",
    ),
    Mutation(
        "the-embedder-is-asked-without-a-promise",
        _PERMISSION, "_wanted", "price(count)", "price(0)",
        (f"{_TEST_EMBEDDING}::test_the_cost_cap_stops_before_it_is_passed",),
        "the cap is asked before the request, not after the bill",
    ),
    Mutation(
        "an-answer-is-not-on-the-jobs",
        "pipeline/store/paid_responses.py", "insert_paid_response",
        "if answer.shares:", "if False:",
        (f"{_TEST_EMBEDDING}::test_the_ledgers_agree_with_the_bill",),
        "each document's price is what was paid for it",
    ),
    Mutation(
        "an-answer-is-reserved-again",
        "pipeline/store/vector_buffer.py", "_RESERVE", "WHERE w.embedding IS NULL AND", "WHERE",
        ("tests/pipeline/store/test_vector_buffer.py::test_an_answer_that_is_being_kept_is_not_reserved",),
        "an answer that is there is not asked for again",
    ),
    Mutation(
        "an-answer-is-tried-to-be-kept-once",
        _KEEPING, "retry_until_committed", "if time.monotonic() > deadline:", "if True:",
        (f"{_TEST_EMBEDDING}::test_an_answer_is_kept_through_a_lost_connection",),
        "a paid answer is held until the database takes it",
    ),
    Mutation(
        "the-file-of-a-submission-is-submitted-again",
        _SUBMITTING, "submit_once", "if begun and (found", "if False and (found",
        (
            "tests/stages/test_remote_parsing.py"
            "::test_an_answer_lost_while_submitting_pays_nothing_twice",
        ),
        "a file whose submission was cut off is looked for before it is sent again",
    ),
    Mutation(
        "the-remote-job-is-not-remembered",
        "pipeline/store/parsed_files.py", "_SUBMITTED",
        "SET remote_job_id = :remote", "SET remote_job_id = remote_job_id || :remote",
        (
            "tests/stages/test_remote_parsing.py"
            "::test_a_job_whose_result_was_not_fetched_is_asked_again",
        ),
        "a result that was not fetched is fetched, not bought again",
    ),
    Mutation(
        "a-lost-text-is-paid-again",
        "stages/remote_parsing.py", "_parse", "if reserved.paid else", "if False else",
        (
            "tests/stages/test_remote_parsing.py"
            "::test_text_lost_from_the_storage_is_fetched_from_the_same_job",
        ),
        "what is fetched again from the same job is not on the bill twice",
    ),
    Mutation(
        "two-workers-submit-one-file",
        "pipeline/store/parsed_files.py", "_RESERVE",
        "p.claimed_by IS NULL OR", "true OR",
        ("tests/pipeline/store/test_parsed_files.py"
         "::test_a_reservation_is_taken_over_after_its_lease_and_not_before",),
        "the right to submit is one worker's",
    ),
    Mutation(
        "an-unused-promise-is-kept",
        _PERMISSION, "Admission.release", "if reserved:", "if False:",
        ("tests/stages/test_admission_control.py"
         "::test_what_was_allowed_too_long_ago_is_asked_for_again",),
        "a request that is not sent does not eat up the cap",
    ),
    Mutation(
        "a-cancelled-run-drops-an-answer",
        _KEEPING, "shielded", "asyncio.shield(task)", "task",
        ("tests/stages/test_durable_writes.py::test_a_cancelled_run_waits_for_what_it_keeps",),
        "an answer that was paid for is kept before a run is cancelled",
    ),
    Mutation(
        "a-kept-answer-is-kept-again",
        "pipeline/store/paid_responses.py", "is_stored", "status == \"committed\"", "not status",
        ("tests/pipeline/store/test_paid_responses.py::test_what_became_of_a_transaction_is_known",),
        "an answer whose commit was not heard is on the bill once",
    ),
    Mutation(
        "an-answer-locks-its-texts-before-its-jobs",
        "pipeline/store/paid_responses.py", "insert_paid_response",
        "await vector_buffer.stage(connection, answer.texts, answer.vectors)",
        "await vector_buffer.stage(connection, answer.texts, answer.vectors)\n"
        "        await vector_buffer.insert_staged(connection, answer.space_id, answer.texts)",
        ("tests/pipeline/store/test_paid_responses.py::test_an_answer_is_kept_with_its_bill",),
        "a paid answer is not undone by a deadlock",
    ),
    Mutation(
        "an-unusable-answer-is-free",
        _KEEPING, "store_failed_request", "if is_paid(error) else 0", "if False else 0",
        (f"{_TEST_EMBEDDING}::test_an_answer_that_cannot_be_right_is_never_published",),
        "what was billed for an answer that cannot be used is in the ledger",
    ),
    Mutation(
        "a-question-is-in-no-ledger",
        "stages/question_vectors.py", "_answered",
        "embedded(text, database, embedder, operation=QUESTION, owner=owner)",
        "embedder.embed([text])",
        ("tests/security/test_tenants.py::test_a_question_costs_who_asks_it",),
        "what the embedder bills for a search is in the ledger",
    ),
    Mutation(
        "an-unusable-answer-to-a-question-is-free",
        "stages/query_embedding.py", "embedded", "if is_paid(error):", "if False:",
        ("tests/stages/test_query_embedding.py::test_an_answer_that_cannot_be_used_is_in_the_ledger",),
        "what was billed for an answer that cannot be used is in the ledger",
    ),
    Mutation(
        "a-question-whose-bill-is-not-told-is-free",
        "stages/query_embedding.py", "embedded", "answer.tokens or counted(text, embedder)",
        "answer.tokens",
        ("tests/stages/test_query_embedding.py::test_a_question_is_in_the_ledger",),
        "a service that tells no tokens is paid by those that were counted here",
    ),
    Mutation(
        "the-trial-of-the-embedder-is-in-no-ledger",
        "app/doctor/checks.py", "_tried",
        "return await embedded(text, database, opened, operation=TRIAL)",
        "return await opened.embed([text])",
        ("tests/stages/test_query_embedding.py::test_what_doctor_sends_is_in_the_ledger",),
        "what the doctor sends is in the ledger",
    ),
    Mutation(
        "a-parse-whose-bill-is-not-told-is-free",
        "stages/remote_parsing.py", "_parse",
        "client.usd_per_page * len(answer.document.pages)", "Decimal(0)",
        ("tests/stages/test_remote_parsing.py::test_a_bill_that_is_not_told_is_the_lists",),
        "a parser that tells no credits is paid by its list",
    ),
    Mutation(
        "questions-are-held-against-documents",
        "pipeline/store/reconciling/ledger.py", "_BILLS",
        "service_calls WHERE run_id IS NOT NULL", "service_calls",
        ("tests/stages/reconciling/test_ledger.py",),
        "what a question cost is on no document's bill",
    ),
    Mutation(
        "what-questions-cost-was-never-spent",
        "pipeline/store/overview.py", "_SPENT", "WHERE run_id IS NULL", "WHERE false",
        ("tests/app/api/test_overview.py",),
        "all that was ever spent is shown",
    ),
)  # fmt: skip
"""Each with the tests that notice."""
