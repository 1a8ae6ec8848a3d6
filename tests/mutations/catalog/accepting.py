"""Accepting and removing: idempotent registration, and no object without a row for it."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_REGISTRATION = "pipeline/store/registration.py"
_LOOKUP = "pipeline/store/document_lookup.py"
_PENDING = "pipeline/store/pending_objects.py"
_TEST_REGISTRATION = "tests/pipeline/store/test_registration.py"
_TEST_REMOVING = "tests/stages/test_garbage_collection.py"

MUTATIONS = (
    Mutation(
        "a-job-is-registered-anew",
        _REGISTRATION, "_JOBS", "ON CONFLICT (id) DO NOTHING",
        "ON CONFLICT (id) DO UPDATE SET version = EXCLUDED.version",
        (f"{_TEST_REGISTRATION}::test_the_same_bytes_again_are_one_job",
         f"{_TEST_REGISTRATION}::test_registering_again_in_the_same_run_changes_nothing"),
        "the same bytes again are the same job",
    ),
    Mutation(
        "a-runs-list-has-a-job-twice",
        _REGISTRATION, "_RUN_JOBS", "ON CONFLICT (run_id, job_id) DO NOTHING", "",
        (f"{_TEST_REGISTRATION}::test_registering_again_in_the_same_run_changes_nothing",),
        "a run that begins again counts its documents once",
    ),
    Mutation(
        "registering-decides-before-it-locks",
        _REGISTRATION, "register",
        "locked = await lock(connection, user, unique)\n"
        "    found = await look_up(connection, user, unique, version)",
        "found = await look_up(connection, user, unique, version)\n"
        "    locked = await lock(connection, user, unique)",
        (f"{_TEST_REGISTRATION}::test_a_deletion_under_way_is_waited_for",),
        "what an upload decides is decided after a deletion under way",
    ),
    Mutation(
        "a-lost-file-never-comes-back",
        _LOOKUP, "_outcome", "row[\"state\"] in LOSABLE and", "False and",
        ("tests/stages/test_bad_input.py", "tests/stages/test_garbage_collection.py",
         "tests/pipeline/store/test_registration.py"),
        "bytes that the storage lost are taken from the file that comes again",
    ),
    Mutation(
        "what-failed-is-tried-again-by-itself",
        _LOOKUP, "_outcome", "return Outcome.FAILED_BEFORE", "return Outcome.CHANGED",
        (f"{_TEST_REGISTRATION}::test_bytes_that_failed_are_not_tried_again_by_themselves",),
        "nothing is spent on what failed before, unasked",
    ),
    Mutation(
        "an-older-version-goes-on",
        "pipeline/store/superseded_jobs.py", "SUPERSEDE", "SET state = 'superseded',",
        "SET state = j.state,",
        (f"{_TEST_REGISTRATION}::test_a_newer_version_supersedes_what_was_not_published",),
        "nothing is spent on a version that nobody wants any more",
    ),
    Mutation(
        "an-upload-that-took-too-long-is-registered",
        _PENDING, "commit", "!= len(held.stems)", "> len(held.stems)",
        (f"{_TEST_REMOVING}::test_an_upload_that_took_too_long_is_not_registered",),
        "no row names an object that was removed meanwhile",
    ),
    Mutation(
        "what-an-upload-holds-is-removed",
        _PENDING, "_UNNEEDED", "AND u.held_until > clock_timestamp()", "AND false",
        (f"{_TEST_REMOVING}::test_deleting_takes_nothing_from_an_upload_of_the_same_bytes",),
        "a deletion takes no object from an upload of the same bytes",
    ),
    Mutation(
        "what-a-document-needs-is-removed",
        _PENDING, "_UNNEEDED", "AND j.state <> 'deleted'", "AND false",
        (f"{_TEST_REMOVING}::test_what_a_killed_upload_stored_serves_the_next_one",
         f"{_TEST_REMOVING}::test_uploads_and_deletions_at_once"),
        "no object that a living document needs is removed",
    ),
    Mutation(
        "what-is-held-is-taken-for-abandoned",
        _PENDING, "_OLDEST", "WHERE held_until <= now() AND", "WHERE",
        (f"{_TEST_REMOVING}::test_what_a_killed_upload_stored_is_removed_in_its_time",),
        "an upload under way keeps its time",
    ),
    Mutation(
        "an-upload-does-not-wait-for-a-removal",
        _PENDING, "_ACQUIRE",
        "SELECT {advisory(REMOVALS, \"CAST(:user_id AS text)\", shared=True)}", "SELECT 1",
        (f"{_TEST_REMOVING}::test_an_upload_waits_for_a_removal_under_way",),
        "an object that is put while it is removed is not lost",
    ),
    Mutation(
        "a-killed-upload-leaves-its-objects",
        "stages/intake.py", "_hold",
        "(each.file_sha256 for each in wanted)",
        "[]",
        (f"{_TEST_REMOVING}::test_what_a_killed_upload_stored_is_removed_in_its_time",),
        "what a killed upload stored is found and removed",
    ),
    Mutation(
        "a-deletion-gives-nothing-up",
        "pipeline/store/deletion.py", "delete_documents",
        "for r in orphaned]","for r in orphaned[:0]]",
        (f"{_TEST_REMOVING}::test_a_deletion_that_was_killed_is_finished_later",),
        "a killed deletion is finished later",
    ),
    Mutation(
        "bytes-that-another-document-has-are-orphaned",
        "pipeline/store/deletion.py", "_ORPHANED", "AND j.state <> 'deleted'", "AND false",
        ("tests/pipeline/store/test_deletion.py::test_bytes_that_another_document_shares_are_kept",),
        "a deletion takes nothing that another document has",
    ),
    Mutation(
        "a-late-text-is-kept",
        "pipeline/store/orphaned_texts.py", "_JOBS",
        "j.state <> 'deleted' AS living", "true AS living",
        ("tests/stages/test_llamaparse_away.py"
         "::test_a_text_that_nobody_wants_any_more_is_removed",
         "tests/stages/test_garbage_collection.py"),
        "the text of a document that was deleted while it was parsed does not stay",
    ),
)  # fmt: skip
"""Each with the tests that notice."""
