"""Publishing: readers go from one whole version to the next, and only what passed the gate."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_PUBLICATION = "pipeline/store/publication.py"
_TEST_PUBLICATION = "tests/pipeline/store/test_publication.py"

MUTATIONS = (
    Mutation(
        "chunks-of-the-old-version-stay",
        _PUBLICATION, "_DELETE", "AND NOT EXISTS (", "AND false AND NOT EXISTS (",
        (f"{_TEST_PUBLICATION}::test_only_what_changed_is_written",
         f"{_TEST_PUBLICATION}::test_a_reader_never_sees_half_a_document"),
        "readers see one version",
    ),
    Mutation(
        "the-old-version-goes-before-the-new-one",
        "stages/publishing.py", "_publish",
        "async with services.database.service() as connection:\n        await space_backlog",
        "async with services.database.service() as early:\n"
        "        await early.exec_driver_sql('DELETE FROM upload_pipeline.document_chunks')\n"
        "    async with services.database.service() as connection:\n        await space_backlog",
        ("tests/stages/test_publishing.py"
         "::test_a_publication_that_fails_leaves_the_old_version_whole",),
        "a version takes the place of another in one transaction",
    ),
    Mutation(
        "a-chunk-without-a-vector-is-published",
        _PUBLICATION, "_SET_ASIDE", "WHERE embedding IS NULL AND NOT own AND NOT buffered",
        "WHERE false",
        (f"{_TEST_PUBLICATION}::test_a_document_that_lost_a_lent_vector_is_sent_back",),
        "every published chunk can be found",
    ),
    Mutation(
        "a-vector-deleted-meanwhile-is-not-noticed",
        _PUBLICATION, "publish", "if written != await connection.scalar(_OWED):",
        "if written > await connection.scalar(_OWED):",
        (f"{_TEST_PUBLICATION}::test_a_vector_that_goes_while_it_is_published_undoes_it_all",),
        "every published chunk can be found",
    ),
    Mutation(
        "an-older-version-stays-complete",
        _PUBLICATION, "publish", "await move(connection, [*old, *new], actor)",
        "await move(connection, new, actor)",
        (f"{_TEST_PUBLICATION}::test_the_old_version_is_superseded_in_the_same_transaction",),
        "a document has one published version",
    ),
    Mutation(
        "the-document-does-not-name-its-version",
        _PUBLICATION, "publish", "await connection.execute(_POINT, scope)", "",
        (f"{_TEST_PUBLICATION}::test_publishing_makes_chunks_vectors_and_a_complete_job",),
        "an unchanged file is known as published",
    ),
    Mutation(
        "a-moved-chunk-keeps-its-place",
        _PUBLICATION, "publish", "await connection.execute(_MOVE, scope)", "",
        (f"{_TEST_PUBLICATION}::test_moved_chunks_change_their_place_and_not_their_vectors",),
        "a passage says where it stands",
    ),
    Mutation(
        "a-deleted-document-is-published",
        _PUBLICATION, "_LOCK", "AND deleted_at IS NULL", "",
        ("tests/pipeline/store/test_fencing.py"
         "::test_a_document_that_is_marked_as_deleted_is_not_published",),
        "what was deleted does not come back by a late worker",
    ),
    Mutation(
        "what-the-gate-refused-is-published",
        "stages/publishing.py", "publish", "if claim.job_id in may", "",
        ("tests/stages/test_publishing.py::test_only_what_the_gate_passed_is_published",),
        "only what passed the gate in this very run is published",
    ),
    Mutation(
        "refused-vectors-are-kept",
        "pipeline/store/rejected_vectors.py", "_DISCARD", "WHERE w.space_id = :space AND",
        "WHERE false AND w.space_id = :space AND",
        ("tests/stages/test_gating.py",),
        "a retry does not reuse a vector that the gate refused",
    ),
    Mutation(
        "vectors-of-another-length-pass-the-gate",
        "checks/suites.py", "VECTORS", "high=1e-3", "high=None",
        ("tests/checks/test_gate.py",),
        "the gate refuses vectors that are not of length one",
    ),
    Mutation(
        "a-vector-that-others-wait-for-is-cleared",
        "pipeline/store/buffer_cleanup.py", "_CLEAR_VECTORS", "WHERE b.waits IS NULL", "",
        (f"{_TEST_PUBLICATION}::test_a_vector_that_another_job_waits_for_stays",),
        "a vector that was paid for serves everyone of its user who waits",
    ),
    Mutation(
        "a-buffered-reservation-is-published",
        _PUBLICATION, "_GATHER", "AND user_id = {owner(\"b\")} AND embedding IS NOT NULL OFFSET 0",
        "AND user_id = {owner(\"b\")} OFFSET 0",
        (f"{_TEST_PUBLICATION}::test_a_reservation_is_no_vector",),
        "a text that is still being embedded is not published",
    ),
)  # fmt: skip
"""Each with the tests that notice."""
