"""The mutations themselves: each applies to the tree as it is, and names tests that exist."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache

import pytest

from tests.mutations.catalog import MUTATIONS
from tests.mutations.mutation import ROOT, DoesNotApply, Mutation


@cache
def names_in(file: str) -> frozenset[str]:
    """The names of a file's tests."""
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    return frozenset(
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")
    )


def test_a_mutation_applies_and_names_tests_that_exist() -> None:
    """Its old text stands at its place exactly once, what comes out is Python, the tests are there.

    A guard that was moved or written anew takes its mutation along: adapt it in the catalog.
    """
    assert [said for mutation in MUTATIONS for said in wrong_with(mutation)] == []


def wrong_with(mutation: Mutation) -> Iterator[str]:
    """What a mutation names and is not so."""
    source = (ROOT / mutation.file).read_text("utf-8")
    try:
        mutated = mutation.applied(source)
        ast.parse(mutated)
    except (DoesNotApply, SyntaxError) as error:
        yield f"{mutation.name}: {error}"
        return
    if mutated == source or not mutation.tests:
        yield f"{mutation.name} changes nothing or names no test"
    for test in mutation.tests:
        file, _, name = test.partition("::")
        if not names_in(file) or (name and name.partition("[")[0] not in names_in(file)):
            yield f"{mutation.name}: {test} does not exist"


def test_no_two_mutations_have_one_name() -> None:
    """A name in the table says which mutation it was."""
    assert max(Counter(each.name for each in MUTATIONS).values()) == 1


def test_a_text_that_is_not_there_exactly_once_is_an_error() -> None:
    """A mutation that would change nothing, or another guard than it says, is refused."""
    source = "A = 1 + 1\n\ndef f():\n    return 1\n"

    def mutation(within: str, old: str) -> Mutation:
        return Mutation("name", "file.py", within, old, "2", ("tests",), "why")

    assert mutation("f", "1").applied(source) == "A = 1 + 1\n\ndef f():\n    return 2\n"
    for within, old in (("A", "1"), ("f", "3"), ("g", "1")):
        with pytest.raises(DoesNotApply):
            mutation(within, old).applied(source)
