"""Shadows and verification: nothing is published, bought or shown that should not be."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_SHADOWS = "pipeline/store/shadows.py"
_TESTS = "tests/deployments/shadow/test_shadowing.py"

MUTATIONS = (
    Mutation(
        "a-shadow-gets-the-database",
        "deployments/shadow/candidate_process.py", "withheld",
        "if not name.startswith(_WITHHELD) and", "if",
        (f"{_TESTS}::test_the_candidate_gets_no_way_to_the_data",),
        "what has no database can publish nothing",
    ),
    Mutation(
        "a-shadow-spends-what-it-likes",
        _SHADOWS, "_RESERVE", "AND spent_usd + :usd <= max_cost_usd", "",
        (f"{_TESTS}::test_what_is_bought_is_capped_and_in_the_ledger",),
        "a shadow ends at its cap",
    ),
    Mutation(
        "a-shadow-buys-what-is-there",
        "deployments/shadow/shadowing.py", "_Following._known_of",
        "return found |", "return set() |",
        (f"{_TESTS}::test_nothing_is_bought_twice",),
        "a text that has a vector in the space is not embedded again",
    ),
    Mutation(
        "a-result-outlives-its-document",
        _SHADOWS, "_LIVING", "AND j.state <> 'deleted'", "",
        (f"{_TESTS}::test_a_document_deleted_meanwhile_is_not_kept",),
        "nothing of a deleted document is kept",
    ),
    Mutation(
        "a-deletion-leaves-a-shadows-result",
        "pipeline/store/deletion.py", "delete_documents",
        "await connection.execute(_SHADOWS, scope)", "pass",
        (f"{_TESTS}::test_a_document_deleted_meanwhile_is_not_kept",),
        "nothing of a deleted document is kept",
    ),
    Mutation(
        "a-shadow-leaves-its-results",
        _SHADOWS, "end", "await connection.execute(_FORGET", "(_FORGET",
        (f"{_TESTS}::test_its_end_leaves_statistics_alone",),
        "nothing of a document is left of a shadow",
    ),
    Mutation(
        "a-contraction-is-drift",
        "deployments/drift/database_drift.py", "declared_for",
        "return contracted(declared, found.contractions)", "return declared",
        ("tests/deployments/structure/test_contractions.py"
         "::test_drift_and_verification_are_clean_before_and_after",),
        "what a contraction took away is not told as drift",
    ),
    Mutation(
        "the-api-may-show-what-is-anothers",
        "deployments/verification/api_canary.py", "judge_api",
        "not found.stranger and not found.sees_job", "True",
        ("tests/deployments/verification/test_api_canary.py::test_what_another_user_sees_fails",),
        "an API that shows a user another one's documents is not verified",
    ),
    Mutation(
        "a-run-of-others-is-taken-back",
        "app/api/queued_runs.py", "_is_over", "all(", "any(",
        ("tests/app/api/test_dispatching.py::test_runs_of_an_erased_user_are_taken_back",),
        "an erasure cancels no run over other users' documents",
    ),
)  # fmt: skip
"""Each with the tests that notice."""
