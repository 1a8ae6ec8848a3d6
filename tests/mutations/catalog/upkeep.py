"""Upkeep: damage is told from what is under way, and a frozen process or a restart is outlived."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_RECONCILING = "pipeline/store/reconciling"
_TEST_RECONCILING = "tests/stages/reconciling"

MUTATIONS = (
    Mutation(
        "a-silent-run-is-dead-at-once",
        f"{_RECONCILING}/unfinished_runs.py", "DEAD_MINUTES", "5", "0",
        (f"{_TEST_RECONCILING}/test_jobs.py::test_a_run_that_died_is_written_down",),
        "a run that is only slow is no finding",
    ),
    Mutation(
        "the-promise-of-a-run-under-way-is-taken-back",
        f"{_RECONCILING}/ledger.py", "_OVER", "AND j.lease_until >= now()", "AND false",
        (f"{_TEST_RECONCILING}/test_ledger.py"
         "::test_what_a_dead_run_had_promised_is_given_back",),
        "a request in flight keeps the money that it was promised",
    ),
    Mutation(
        "a-frozen-process-keeps-its-locks",
        "pipeline/store/engine.py", "_BECOMING",
        "set_config('idle_in_transaction_session_timeout', :idle, true),", "",
        ("tests/pipeline/store/test_freezing.py::test_a_frozen_worker_loses_its_job[inside]",),
        "nobody waits for the transaction of a process that is stopped",
    ),
    Mutation(
        "what-a-restart-breaks-off-is-not-done-again",
        "pipeline/store/connection_retries.py", "retry_on_restart",
        "if not error.passing:", "if error:",
        ("tests/pipeline/store/test_connections.py::test_work_that_is_broken_off_is_done_again",),
        "a Postgres that restarts ends no run",
    ),
)  # fmt: skip
"""Each with the tests that notice."""
