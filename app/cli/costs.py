"""`navigator costs`: what was spent, by day, service, user, source, document or run; as CSV too."""

from __future__ import annotations

import asyncio
import csv
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.terminal.console import answers, dollars, number, print_json, right, say, table, tell, text
from app.terminal.options import Json, User
from pipeline.errors import UsageError
from pipeline.identity import user_id
from pipeline.settings import Settings, load_settings
from pipeline.store.spending import MOST_ROWS, By, Spending

if TYPE_CHECKING:
    from pipeline.foresight.outlook import Month
    from pipeline.spending_caps import MonthSpending

_HEADS = {
    By.DAY: "Day", By.SERVICE: "Service", By.USER: "User", By.SOURCE: "Source",
    By.DOCUMENT: "Document", By.RUN: "Run",
}  # fmt: skip
_COLUMNS = ("key", "name", "number", "pages", "tokens", "cost_usd")


@dataclass(frozen=True, slots=True)
class Costs:
    """What was spent from `since` on and before `until`.

    Attributes:
        total_usd: by the ledger of calls; of one user, without requests for several at once.
        month: what the month costs, for an operator who looks at everybody.
        cap: how the user, or everybody, stands to the cap of this month.
    """

    by: By
    since: date
    until: date
    rows: Sequence[Spending]
    total_usd: Decimal
    month: Month | None
    cap: MonthSpending


def period(since: datetime | None, until: datetime | None) -> tuple[date, date]:
    """Both days, `until` left out: this month by itself.

    Raises:
        UsageError: the one is not before the other.
    """
    today = datetime.now(UTC).date()
    first = since.date() if since else today.replace(day=1)
    last = until.date() if until else today
    if last < first:
        raise UsageError("--since is after --until.", remedy="Give the earlier day with --since.")
    return first, last + timedelta(days=1)


async def read_costs(
    settings: Settings, by: By, days: tuple[date, date], user: str | None
) -> Costs:
    """Read what was spent; of everybody without a user."""
    from pipeline.identity import EVERYBODY
    from pipeline.store import month_spending, spending
    from stages.services import open_services
    from stages.watching.looking import judge

    async with open_services(settings) as parts:
        owner = user_id(user) if user else None
        async with parts.database.seeing(owner) as connection:
            rows = await spending.spending(connection, by, *days)
            total = await spending.total(connection, *days)
            if owner is None and by is By.SOURCE:
                names = await spending.source_names(connection)
                rows = [replace(each, name=names.get(each.key, each.name)) for each in rows]
        async with parts.database.service() as connection:
            cap = await month_spending.standing(
                connection, owner or EVERYBODY, settings.spending_caps
            )
        month = None if owner else (await judge(parts)).month
    return Costs(by, *days, rows, total, month, cap)


def costs_json(found: Costs) -> dict[str, Any]:
    """The same for a program."""
    month = found.month
    return {
        "by": found.by.value,
        "since": found.since.isoformat(),
        "until": (found.until - timedelta(days=1)).isoformat(),
        "rows": [asdict(each) for each in found.rows],
        "total_usd": found.total_usd,
        "month": None if month is None else {
            "spent_usd": month.spent_usd,
            "by_its_end_usd": month.by_its_end,
            "budget_usd": month.budget_usd,
        },
        "cap": {
            "cap_usd": found.cap.cap,
            "spent_usd": found.cap.spent,
            "reserved_usd": found.cap.reserved,
            "left_usd": found.cap.left,
        },
    }  # fmt: skip


def print_csv(found: Costs) -> None:
    """One row for each, with a header; figures as they are, without separators."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([found.by.value, *_COLUMNS[1:]])
    for each in found.rows:
        row = [getattr(each, name) for name in _COLUMNS]
        writer.writerow([_plain(cell) for cell in row])


def _plain(cell: object) -> object:
    """Text that a spreadsheet would take for a formula gets an apostrophe."""
    if isinstance(cell, Decimal):
        return format(cell, "f")
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in "=+-@\t\r" and cell else cell


def print_costs(found: Costs) -> None:
    """The same for a person."""
    grid = table(_HEADS[found.by], right("Number"), right("Pages"), right("Tokens"), right("Cost"))
    for each in found.rows:
        name = f"{each.name} ({each.key})" if each.name and each.key else each.name or each.key
        grid.add_row(
            text(name), number(each.number), number(each.pages), number(each.tokens),
            dollars(each.cost_usd),
        )  # fmt: skip
    answers().print(grid)
    if len(found.rows) == MOST_ROWS:
        say(f"The {MOST_ROWS} most expensive are shown; name a shorter time for the others.")
    last = found.until - timedelta(days=1)
    tell(f"{dollars(found.total_usd)} from {found.since} to {last} (UTC), by the ledger of calls.")
    if found.month is not None and found.month.by_its_end is not None:
        say(f"This month will cost {dollars(found.month.by_its_end)} by its end as things go.")
    cap, left = found.cap.cap, found.cap.left
    if cap is not None and left is not None:
        told = f"{dollars(left)} of this month's cap of {dollars(cap)} are left"
        held = found.cap.reserved
        say(f"{told}; {dollars(held)} are reserved for requests under way." if held else f"{told}.")


def command(
    by: Annotated[By, typer.Option(help="What to add up by.")] = By.DAY,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day (UTC); the month's.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day (UTC); today.")
    ] = None,
    everyone: Annotated[bool, typer.Option("--everyone", help="Of all users, not of one.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, as for an invoice.")] = False,
    user: User = None,
    json: Json = False,
) -> None:
    """Show what was spent, by day, service, user, source, document or run; as CSV too."""
    settings, days = load_settings(), period(since, until)
    if everyone and user:
        raise UsageError("--everyone and --user exclude each other.", remedy="Give one of them.")
    whose = None if everyone else user or settings.user
    found = asyncio.run(read_costs(settings, by, days, whose))
    if as_csv:
        print_csv(found)
    elif json:
        print_json(costs_json(found))
    else:
        print_costs(found)
