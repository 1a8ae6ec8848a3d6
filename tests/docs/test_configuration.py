"""docs/configuration.md has every setting, as the program has it."""

from __future__ import annotations

import pytest

from deployments.settings_table import PAGE, default_of, renewed, variables_of
from pipeline.settings import Settings

ROWS = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")]


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_has_a_row_with_its_default(name: str) -> None:
    """A setting stands in the page once, under its variable, with its default and other names."""
    field = Settings.model_fields[name]
    variable, *others = variables_of(name, field)
    [row] = [
        each for each in ROWS if each.startswith(f"| `{variable}` | {default_of(name, field)} |")
    ]
    assert all(f"`{each}`" in row for each in others)


def test_the_tables_are_those_of_the_generator() -> None:
    """`python -m deployments.settings_table` would change nothing in the page."""
    page = PAGE.read_text("utf-8")
    assert renewed(page) == page
