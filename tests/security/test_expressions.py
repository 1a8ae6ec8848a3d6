"""Untrusted text never stops a process: every expression of the tree takes linear time."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence

import pytest

from tests.rooms import ROOT
from tests.security.driving import STALE
from tests.security.expressions import calls, made_in_functions, of_scripts, sources

# What each of these was found to be, and what it is when it is mended.
EXPONENTIAL = {
    "the start of a page": r"\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!--.{0,2000}?-->\s*)*<html\b",
    "nested repetition": r"(?:[a-z]+)+;",
    "two readings of an amount": r"\d(?:\s?[A-Z]{3}|\s?[KM])*\Z",
    "overlapping alternatives": r"^(?:a|ab|b)*c",
}
QUADRATIC = {
    "an element that nobody closes": r"<[^>]+>",
    "an element with its end": r"<(script|style)\b.*?</\1>",
    "three runs of spaces": r"try again in\s+(?:\d+h)?\s*(?:\d+m)?\s*(?:\d+s)?x",
    "a token without its dots": r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
    "a scheme": r"\b[a-z][a-z0-9+.-]*://[^\s/@]+@",
    "labels of a form": r"[:#?][ ]+\S.*:\W*\Z",
    "possessive, from every start": r"\s++:",
}
LINEAR = {
    "spaces from their first": r"(?<!\s)\s++$",
    "an element up to the next": r"<[^<>]++>",
    "anchored": r"\A[ \t]*+\|?[ \t]*+:?-[-:| \t]*+\n",
    "bounded": r"<img\b[^<>]{0,300}?\balt=[^<>]{0,300}>",
}


def driven(*arguments: str, given: Iterable[Sequence[object]] = ()) -> dict[str, str]:
    """What is wrong with each expression, by its place; empty for nothing."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", _START, *arguments],
        input="".join(json.dumps(each) + "\n" for each in given),
        capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"')]
    assert done.returncode == 0, f"ended at {lines[-1:]}: {done.stderr[-2000:]}"
    return {line["place"]: line["wrong"] for line in lines if "place" in line}


_START = (
    f"import sys; sys.path.insert(0, {str(ROOT)!r}); "
    "from tests.security.driving import main; main()"
)


@pytest.fixture(scope="module")
def new() -> dict[str, str]:
    """What is wrong with expressions that were not driven before, and with the list of the others.

    It imports every module, so it is done once.
    """
    return driven("new")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_new_expression_takes_linear_time(new: dict[str, str]) -> None:
    """No expression that was not driven before takes more than its share on a text for it."""
    assert len(new) > 150
    assert {place: wrong for place, wrong in new.items() if wrong not in ("", STALE)} == {}


@pytest.mark.long
@pytest.mark.timeout(900)
def test_every_expression_takes_linear_time() -> None:
    """No expression takes more than its share on four times as much of what it is slowest on."""
    found = driven("tree")
    assert len(found) > 150
    assert {place: wrong for place, wrong in found.items() if wrong} == {}


def test_only_expressions_of_the_tree_are_taken_as_driven(new: dict[str, str]) -> None:
    """The list of those that were driven names none that was changed or is gone."""
    assert [place for place, wrong in new.items() if wrong == STALE] == []


def found_bad(expressions: dict[str, str]) -> set[str]:
    given = [(name, pattern, re.DOTALL) for name, pattern in expressions.items()]
    return {name for name, wrong in driven(given=given).items() if wrong}


@pytest.mark.timeout(300)
def test_bad_expressions_are_found() -> None:
    """What drives the expressions finds exponential and quadratic ones, and no linear one."""
    bad = dict([*EXPONENTIAL.items()][:1] + [*QUADRATIC.items()][:2])
    assert found_bad(bad | LINEAR) == set(bad)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_every_kind_of_bad_expression_is_found() -> None:
    """Each that was once found in the tree is found, whatever makes it slow."""
    assert found_bad(EXPONENTIAL | QUADRATIC) == set(EXPONENTIAL | QUADRATIC)


@pytest.mark.timeout(300)
def test_expressions_of_the_scripts_take_linear_time() -> None:
    """What the dashboard looks for in a document's text stops no browser either."""
    scripts = of_scripts()
    assert len(scripts) > 8
    found = driven(given=[(place, *each) for place, each in scripts.items()])
    assert {place: wrong for place, wrong in found.items() if wrong} == {}


def test_every_call_of_re_is_driven() -> None:
    """A pattern that a function puts together is driven too: there is an example of its making."""
    built = {call.path for call in calls() if call.expression is None and call.in_function}
    assert built == set(made_in_functions())


def test_expressions_are_called_by_one_name() -> None:
    """No module takes functions out of `re`, or another engine, past what finds the expressions."""
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            renamed = isinstance(node, ast.Import) and any(
                alias.name == "re" and alias.asname for alias in node.names
            )
            taken = isinstance(node, ast.ImportFrom) and node.module in ("re", "regex")
            assert not (renamed or taken or "regex" in names), path
