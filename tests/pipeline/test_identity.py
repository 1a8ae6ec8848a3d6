"""What counts as the same."""

from __future__ import annotations

import subprocess
import sys
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from pipeline import identity

USER = UUID("00000000-0000-0000-0000-000000000001")
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x1f"))


def test_ids_are_those_that_were_ever_given_out() -> None:
    """Ids are stored for good: a change of the rules would lose every document."""
    document = identity.document_id(USER, "/files/policy.pdf")
    assert document == UUID("133e3a8f-c6e0-5806-9bac-d75a8dffa3ef")
    assert identity.job_id(document, "ab" * 32, "local-1|markdown-1|x") == UUID(
        "a8e2049d-fad5-5eb3-a0a2-0ef12068d16c"
    )
    chunk = identity.chunk_id(document, "markdown-1:400/50", "cd" * 32, 0)
    assert chunk == UUID("509e2a36-2a43-5845-9e6a-8490bede2b88")
    assert identity.space_id("openai", "small", 1536, "1") == UUID(
        "9463fab9-7670-567a-982f-97e54b287877"
    )
    assert identity.user_id("local") == UUID("13a656e6-45b8-5d05-b9d4-49710946db34")


def test_ids_are_the_same_in_another_process() -> None:
    """Nothing of the process, such as its hash seed, goes into an id."""
    program = (
        "from pipeline.identity import *; from uuid import UUID;"
        "print(document_id(UUID(int=1), 'x'), user_id('anna'), combined_sha256(['a', 'b']))"
    )
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert out == [
        str(identity.document_id(UUID(int=1), "x")),
        str(identity.user_id("anna")),
        identity.combined_sha256(["a", "b"]),
    ]


@given(first=st.tuples(TEXTS, TEXTS), second=st.tuples(TEXTS, TEXTS))
def test_different_parts_never_run_into_each_other(
    first: tuple[str, str], second: tuple[str, str]
) -> None:
    """("ab", "c") and ("a", "bc") are different things: ids agree only when all parts do."""
    same = first == second
    assert (identity.job_id(USER, *first) == identity.job_id(USER, *second)) == same
    assert (identity.combined_sha256(first) == identity.combined_sha256(second)) == same


@given(source=TEXTS)
def test_the_same_source_of_another_user_is_another_document(source: str) -> None:
    """Documents, and so chunks, are never shared between users."""
    assert identity.document_id(USER, source) != identity.document_id(uuid4(), source)


def test_kinds_never_share_an_id() -> None:
    """A user named like a document's source is not that document."""
    parts = (str(USER), "a")
    assert identity.document_id(USER, "a") != identity.user_id("\x1f".join(parts))
    assert identity.document_id(USER, "a") != identity.space_id(*parts, 1, "1")


def test_a_user_given_as_a_uuid_is_taken_as_it_is() -> None:
    """However it is written; every other name is hashed to one."""
    assert identity.user_id(str(USER)) == identity.user_id(USER.hex) == USER
    assert identity.user_id(str(USER).upper()) == USER
    assert identity.user_id("anna") != identity.user_id("Anna")
    assert identity.user_id("anna").version == 5


def test_repeated_passages_are_told_apart_by_their_occurrence() -> None:
    """The same text twice in a document is two chunks, the same again each time."""
    ids = [identity.chunk_id(USER, "c", "sha", number) for number in (0, 1, 0)]
    assert ids[0] == ids[2] != ids[1]


def test_hashes_are_plain_sha256() -> None:
    """Of the bytes, or of the UTF-8 of a text, so that anybody can check them."""
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert identity.sha256_hex(b"") == identity.sha256_hex("") == empty
    assert identity.sha256_hex("ä") == identity.sha256_hex("ä".encode())
