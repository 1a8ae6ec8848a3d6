"""`navigator retention`: rules for how long documents are kept."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.hold import scope_words
from app.terminal.confirmation import confirm
from app.terminal.console import (
    answers,
    number,
    print_json,
    quantity,
    right,
    say,
    table,
    tell,
    text,
)
from app.terminal.database import in_transaction
from app.terminal.options import Json, Yes
from pipeline.errors import UsageError
from pipeline.identity import user_id
from pipeline.settings import Settings, load_settings
from pipeline.worker_identity import operator_account

if TYPE_CHECKING:
    from pipeline.store.retention import RetentionRule
    from stages.retention import RetentionOutcome

group = typer.Typer(
    help="Delete documents some time after their newest version, by rules.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
LONGEST_NAME = 63
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}
Name = Annotated[str, typer.Argument(metavar="NAME", help="What the rule is called.")]


@group.command("set")
def set_(
    name: Name,
    keep: Annotated[
        str, typer.Option(metavar="TIME", help="Such as 90d, 26w, 18m or 7y; a month is 30 days.")
    ],
    tag: Annotated[str | None, typer.Option(help="Only documents that have it.")] = None,
    user: Annotated[str | None, typer.Option(help="Only this user's: a UUID or any name.")] = None,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Make a rule or change it; says first what would be deleted by it."""
    from pipeline.store import retention
    from pipeline.store.retention import RetentionRule

    if not name.strip() or len(name) > LONGEST_NAME:
        raise UsageError(f"A rule's name has 1 to {LONGEST_NAME} characters.")
    owner = user_id(user) if user is not None else None
    rule = RetentionRule(name.strip(), days_of(keep), owner, tag, operator_account())
    settings = load_settings()
    past = asyncio.run(in_transaction(settings, partial(_past_with, rule=rule)))
    if past and not yes:
        confirm(f"Within the hour it deletes {quantity(past, 'document')}. Set it?")
    asyncio.run(in_transaction(settings, partial(retention.set_rule, rule=rule)))
    if json:
        print_json({"name": rule.name, "days": rule.days, "past": past})
        return
    tell(f"Set {rule.name}: kept for {quantity(rule.days, 'day')}; {past:,} are past it now.")


async def _past_with(connection: Any, rule: RetentionRule) -> int:
    """Documents past their time if there were the rule, which is not kept."""
    from pipeline.store import retention

    attempt = await connection.begin_nested()
    await retention.set_rule(connection, rule)
    found = await retention.all_rules(connection)
    await attempt.rollback()
    return next(each.past for each in found if each.name == rule.name)


def days_of(given: str) -> int:
    """Days of a time such as 90d, 26w, 18m or 7y.

    Raises:
        UsageError: it is none.
    """
    count, unit = given[:-1], given[-1:].lower()
    if unit in _DAYS and count.isascii() and count.isdigit() and 0 < int(count[:6]) <= 36_500:
        return int(count[:6]) * _DAYS[unit]
    raise UsageError(f"{given[:20]!r} is no time.", remedy="Write 90d, 26w, 18m or 7y.")


@group.command("list")
def show(json: Json = False) -> None:
    """Show every rule, with the documents to which it applies and those past it."""
    from pipeline.store import retention

    found = asyncio.run(in_transaction(load_settings(), retention.all_rules))
    if json:
        print_json({"rules": [rule_json(each) for each in found]})
        return
    if not found:
        say("There are no rules: every document is kept until somebody deletes it.")
        return
    grid = table(
        "Rule", ("On", {"overflow": "fold"}), right("Kept, days"), right("Documents"),
        right("Past it"), "By",
    )  # fmt: skip
    for each in found:
        grid.add_row(
            text(each.name), text(_about(each)), number(each.days), number(each.documents),
            number(each.past), text(each.who),
        )  # fmt: skip
    answers().print(grid)


def _about(rule: RetentionRule) -> str:
    from pipeline.store.holds import Scope

    return scope_words(Scope(rule.owner_id, None, rule.tag))


@group.command()
def remove(name: Name, json: Json = False) -> None:
    """Remove a rule: what it alone would have deleted is kept."""
    from pipeline.store import retention

    asyncio.run(in_transaction(load_settings(), partial(retention.remove_rule, name=name)))
    if json:
        print_json({"removed": name})
    else:
        tell(f"Removed {name}.")


@group.command()
def apply(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be deleted.")
    ] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Delete what is past its time now, without waiting for the hourly maintenance."""
    settings = load_settings()
    looked = asyncio.run(_apply(settings, only_look=True))
    if not dry_run and looked.deleted:
        if not yes:
            confirm(f"Delete {quantity(looked.deleted, 'document')} for good?")
        looked = asyncio.run(_apply(settings, only_look=False))
    if json:
        print_json({"dry_run": dry_run, "deleted": looked.deleted, "held": looked.held})
        return
    done = "would go" if dry_run else "deleted"
    held = f"; a legal hold keeps {looked.held:,} more" if looked.held else ""
    tell(f"{quantity(looked.deleted, 'document')} {done}{held}.")


async def _apply(settings: Settings, *, only_look: bool) -> RetentionOutcome:
    from stages.retention import apply_retention
    from stages.services import open_services

    async with open_services(settings) as parts:
        return await apply_retention(parts, only_look=only_look)


def rule_json(rule: RetentionRule) -> dict[str, Any]:
    """One rule for a program."""
    return {
        "name": rule.name,
        "days": rule.days,
        "user_id": rule.owner_id,
        "tag": rule.tag,
        "who": rule.who,
        "set_at": rule.created_at,
        "documents": rule.documents,
        "past": rule.past,
    }
