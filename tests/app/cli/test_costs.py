"""`navigator costs`: the time it is about, and CSV that a spreadsheet takes as it is meant."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from app.cli.costs import Costs, period, print_csv
from pipeline.errors import UsageError
from pipeline.spending_caps import MonthSpending
from pipeline.store.spending import By, Spending


def test_this_month_is_meant_when_nothing_is_said() -> None:
    """From the first of the month to today, which is part of it."""
    first, end = period(None, None)
    today = datetime.now(UTC).date()
    assert (first.day, (end - today).days) == (1, 1)


def test_days_in_the_wrong_order_are_refused() -> None:
    """One sentence, and what to do."""
    with pytest.raises(UsageError, match="--since is after --until"):
        period(datetime(2026, 5, 4), datetime(2026, 5, 3))


def test_csv_has_plain_figures_and_no_formula(capsys: pytest.CaptureFixture[str]) -> None:
    """No exponent, no separator; a name that begins like a formula is text."""
    rows = [Spending("k", '=HYPERLINK("x")', 1, 2, 3_000, Decimal("1E-7"))]
    cap = MonthSpending(None, Decimal(0), Decimal(0))
    print_csv(Costs(By.DOCUMENT, date(2026, 5, 1), date(2026, 6, 1), rows, Decimal(0), None, cap))
    assert capsys.readouterr().out.splitlines() == [
        "document,name,number,pages,tokens,cost_usd",
        'k,"\'=HYPERLINK(""x"")",1,2,3000,0.0000001',
    ]
