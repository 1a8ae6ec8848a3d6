"""The table in README.md and the tests keep step."""

from __future__ import annotations

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent


def in_the_table() -> set[str]:
    return set(re.findall(r"`(test_\w+\.py::test_\w+)`", (HERE / "README.md").read_text("utf-8")))


def written() -> set[str]:
    return {
        f"{path.name}::{node.name}"
        for path in HERE.glob("test_*.py")
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name[:5] == "test_"
    }


def test_every_row_names_tests_that_exist() -> None:
    """A row without its test would promise what nothing shows."""
    assert len(in_the_table()) > 70
    assert in_the_table() - written() == set()


def test_every_contract_test_stands_in_the_table() -> None:
    """A reader of the table sees all that is tested."""
    about_the_suite = {
        "test_rows.py::test_every_row_names_tests_that_exist",
        "test_rows.py::test_every_contract_test_stands_in_the_table",
        "test_shapes.py::test_every_record_is_compared",
        "test_shapes.py::test_a_difference_is_found",
    }
    assert written() - in_the_table() - about_the_suite == set()
