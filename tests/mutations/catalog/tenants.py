"""Tenants: row-level security, and nothing of one user in another's answers."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_TEST_RLS = "tests/pipeline/store/test_row_level_security.py"
_FIRST = "pipeline/store/migrations/versions/0001_first.py"

MUTATIONS = (
    Mutation(
        "row-level-security-is-not-forced",
        _FIRST, "_protect", "ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
        "ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY",
        (f"{_TEST_RLS}::test_the_owner_of_the_tables_is_bound_too",),
        "the owner of the tables sees no user's rows either",
    ),
    Mutation(
        "a-space-is-not-forced",
        "pipeline/store/embedding_spaces.py", "",
        "FORCE ROW LEVEL SECURITY", "NO FORCE ROW LEVEL SECURITY",
        (f"{_TEST_RLS}::test_a_partition_binds_those_who_are_granted_it",),
        "the owner of the vectors sees no user's rows either",
    ),
    Mutation(
        "a-reader-sees-everybody",
        _FIRST, "_protect",
        "\"(user_id = nullif(current_setting('navigator.user_id', true), '')::uuid)\"",
        "\"(true)\"",
        (f"{_TEST_RLS}::test_a_reader_sees_only_its_own_rows_in_every_table",),
        "a reader sees their own rows alone",
    ),
    Mutation(
        "the-role-stays-on-the-connection",
        "pipeline/store/engine.py", "_BECOMING", "set_config('role', :role, true)",
        "set_config('role', :role, false)",
        ("tests/pipeline/store/test_schema.py"
         "::test_nothing_of_role_or_user_stays_on_a_pooled_connection",),
        "a pooled connection has no role of the caller before",
    ),
    Mutation(
        "the-user-stays-on-the-connection",
        "pipeline/store/engine.py", "_BECOMING", "'{USER_SETTING}', :user, true",
        "'{USER_SETTING}', :user, false",
        ("tests/pipeline/store/test_schema.py"
         "::test_nothing_of_role_or_user_stays_on_a_pooled_connection",),
        "a pooled connection has no user of the caller before",
    ),
    Mutation(
        "a-user-lends-everybody-their-vectors",
        "pipeline/store/vector_owners.py", "lenders",
        "BETWEEN {owner(alias)} AND coalesce(CAST(:last AS uuid), {alias}.user_id)",
        ">= CAST('00000000-0000-0000-0000-000000000000' AS uuid)",
        ("tests/pipeline/store/test_owners.py::test_a_published_vector_serves_its_user_alone",),
        "what a text costs says nothing of other users' texts",
    ),
    Mutation(
        "another-user-cancels",
        "pipeline/store/cancellation.py", "_UNFINISHED", "AND user_id = :user_id", "",
        ("tests/pipeline/store/test_cancellation.py::test_only_the_owner_cancels",),
        "nobody stops another user's work",
    ),
    Mutation(
        "another-user-retries",
        "pipeline/store/retrying.py", "_ENDED",
        "AND (CAST(:user_id AS uuid) IS NULL OR user_id = :user_id)", "",
        ("tests/pipeline/store/test_retrying.py",),
        "nobody spends another user's money",
    ),
    Mutation(
        "one-request-for-two-users",
        "stages/text_owners.py", "by_owner", "text.owner_id, []", "text.space, []",
        ("tests/stages/test_tenants.py",),
        "the bill of a request is one user's",
    ),
)  # fmt: skip
"""Each with the tests that notice."""
