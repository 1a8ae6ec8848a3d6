"""Syncing: nothing is deleted that may be there, and nothing moved that has changed."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_SYNCING = "stages/syncing.py"
_TEST_SYNCING = "tests/stages/test_syncing.py"

MUTATIONS = (
    Mutation(
        "a-run-that-did-not-end-well-deletes",
        _SYNCING, "finish", "if well and not", "if not",
        (f"{_TEST_SYNCING}::test_a_moved_and_edited_file_is_paid_for_its_edit_and_deleted_last",),
        "what is gone stays until what may replace it is published",
    ),
    Mutation(
        "a-folder-that-is-unmounted-in-mid-run-is-empty",
        _SYNCING, "finish", "if well and not _is_emptied(still, gone):", "if well and still:",
        (f"{_TEST_SYNCING}::test_a_folder_that_is_unmounted_in_mid_run_loses_nothing",),
        "a missing mount deletes nothing",
    ),
    Mutation(
        "a-document-that-changed-is-moved",
        "pipeline/store/synced.py", "move_documents", "_require_unchanged(found, moves)",
        "_require_unchanged(found, [])",
        (f"{_TEST_SYNCING}::test_a_document_that_changed_meanwhile_is_not_moved",),
        "only what was looked at is moved",
    ),
    Mutation(
        "what-lies-behind-a-dead-link-is-gone",
        "pipeline/missing_files.py", "_lies_behind_dead_link",
        "folder.is_symlink() and not folder.exists()", "False",
        ("tests/pipeline/test_missing_files.py::test_a_link_that_leads_nowhere_is_there",),
        "a drive that is not mounted loses no documents",
    ),
)  # fmt: skip
"""Each with the tests that notice."""
