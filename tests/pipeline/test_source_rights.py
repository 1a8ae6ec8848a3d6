"""Rights of a source: whose an object is, by the first rule that says something."""

from __future__ import annotations

from uuid import UUID

import pytest

from pipeline.errors import UsageError
from pipeline.identity import OPERATOR, named_user, user_id
from pipeline.source_rights import rights_of

ANNA, BEN = user_id("anna"), user_id("ben")


def whose(key: str, *rules: str, **labels: str) -> UUID | None:
    """Whose an object is by rules alone."""
    return rights_of(rules, None).user_of(key, labels)


def test_without_rules_everything_is_the_owners() -> None:
    """Whatever it is called or labeled with."""
    assert rights_of((), ANNA).user_of("ben/x.pdf", {"owner": "ben"}) == ANNA


def test_a_pattern_gives_what_it_matches() -> None:
    """As in gitignore: a folder with all below it, a suffix, everything."""
    assert whose("acme/2026/a.pdf", "acme/=anna") == ANNA
    assert whose("b/a.pdf", "*.pdf=anna") == ANNA
    assert whose("acme2/a.pdf", "acme/=anna") is None
    assert whose("x/y.pdf", "acme/=anna", "**=ben") == BEN


def test_the_first_rule_that_says_something_decides() -> None:
    """A rule that names nobody is passed over."""
    assert whose("clients/anna/a.pdf", "clients/anna/=ben", "clients/{user}/") == BEN
    assert whose("clients/x.pdf", "clients/{user}/", "**=ben") == BEN


def test_a_place_names_its_user() -> None:
    """Only where something lies below that place, and in no other place."""
    assert whose("clients/anna/x/a.pdf", "clients/{user}/") == ANNA
    assert whose("clients/anna", "clients/{user}/") is None
    assert whose("other/anna/a.pdf", "clients/{user}/") is None
    assert whose("2026/anna/out/a.pdf", "2026/{user}/out") == ANNA


def test_a_name_is_never_an_id() -> None:
    """Who may name a folder takes no other user's id by it, unless the operator says `user_id`."""
    assert whose(f"{BEN}/a.pdf", "{user}/") == named_user(str(BEN))
    assert whose(f"{BEN}/a.pdf", "{user_id}/") == BEN
    assert whose("ben/a.pdf", "{user_id}/") is None
    assert whose(f"{OPERATOR}/a.pdf", "{user_id}/") is None
    assert whose("a.pdf", "tag:owner", owner=str(BEN)) == named_user(str(BEN))
    assert whose("a.pdf", "tag-id:owner", owner=str(BEN)) == BEN
    assert whose("a.pdf", "tag-id:owner", owner=str(OPERATOR)) is None


@pytest.mark.parametrize("value", ["", "  ", "x" * 201, "an\u202ena", "an\nna"])
def test_a_label_that_is_no_name_names_nobody(value: str) -> None:
    """An empty, endless or invisible one."""
    assert whose("a.pdf", "tag:owner", owner=value) is None


@pytest.mark.parametrize(
    "rule",
    ["", "acme", "=anna", "acme/=", "{user}/{user}/", "{user}*/", "tag:", "tag:a b", "a/{user}/=b"],
)
def test_what_is_no_rule_is_refused(rule: str) -> None:
    """Before a source is kept."""
    with pytest.raises(UsageError, match="cannot be used"):
        rights_of([rule], None)
