"""Addresses of sources: no secret in them, and no name of an object that means something."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.source_address import SourceAddress, is_url, split_paths

BUCKET = SourceAddress.of("s3://bucket/claims/")
NAMES = st.text(min_size=1, max_size=60).filter(lambda name: not name.isspace())


@given(NAMES)
def test_an_object_is_found_again_by_its_source(name: str) -> None:
    """Whatever its name is; and nothing in the source can be mistaken for something else."""
    source = BUCKET.source_of(name)
    assert BUCKET.key_of(source) == name
    assert source.isprintable() and "#" not in source and "?" not in source
    assert source.startswith("s3://bucket/claims/")


@given(NAMES, NAMES)
def test_two_objects_are_two_documents(first: str, second: str) -> None:
    """No two names make one source."""
    assert (BUCKET.source_of(first) == BUCKET.source_of(second)) == (first == second)


def test_a_folder_has_the_sources_that_ingest_gives() -> None:
    """A file of a watched folder and of `navigator ingest` is one document."""
    folder = SourceAddress.of("/srv/policies")
    assert folder.source_of("a#1/100%.pdf") == "/srv/policies/a#1/100%.pdf"
    assert SourceAddress.of("file:///srv/policies/") == folder


@pytest.mark.parametrize(
    "url",
    [
        "s3://key:hunter2@bucket/x", "s3://bucket/x?sig=hunter2", "s3://bucket/x#hunter2",
        "s3:///hunter2", "s3://bucket/hun ter2", "s3://bucket/hunter2\u202e", "imaps://h:hunter2/x",
    ],
)  # fmt: skip
def test_what_is_refused_is_not_repeated(url: str) -> None:
    """It may hold a secret, in the wrong place."""
    with pytest.raises(UsageError) as told:
        SourceAddress.of(url)
    assert "hunter2" not in str(told.value) + told.value.remedy


def test_an_address_covers_what_lies_in_it() -> None:
    """Whole parts of a place count: `claims` does not cover `claims-old`."""
    for inside in ("s3://bucket/claims", "s3://bucket/claims/2026"):
        assert BUCKET.covers(SourceAddress.of(inside))
    for beside in ("s3://bucket/claims-old", "s3://bucket", "gs://bucket/claims", "s3://other/x"):
        assert not BUCKET.covers(SourceAddress.of(beside))


def test_paths_and_urls_are_told_apart() -> None:
    """A colon alone makes no URL."""
    assert split_paths(["a.pdf", "s3://b/c", "C:/x", "x:y"]) == (
        ["a.pdf", "C:/x", "x:y"], ["s3://b/c"]
    )  # fmt: skip
    assert not is_url("policies//s3://x")
