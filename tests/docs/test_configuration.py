"""docs/configuration.md has every setting, as the program has it."""

from __future__ import annotations

from deployments.settings_table import PAGE, default_of, renewed, variables_of
from pipeline.settings import Settings

ROWS = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")]


def test_every_setting_has_a_row_with_its_default() -> None:
    """A setting stands in the page once, under its variable, with its default and other names."""
    wrong = []
    for name, field in Settings.model_fields.items():
        variable, *others = variables_of(name, field)
        start = f"| `{variable}` | {default_of(name, field)} |"
        rows = [each for each in ROWS if each.startswith(start)]
        if len(rows) != 1 or not all(f"`{each}`" in rows[0] for each in others):
            wrong.append(name)
    assert wrong == []


def test_the_tables_are_those_of_the_generator() -> None:
    """`python -m deployments.settings_table` would change nothing in the page."""
    page = PAGE.read_text("utf-8")
    assert renewed(page) == page
