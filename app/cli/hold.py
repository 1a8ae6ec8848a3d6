"""`navigator hold`: keeps documents from being deleted, as a court or a regulator may demand."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID, uuid4

import typer

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
from app.terminal.options import Json
from pipeline.errors import UsageError
from pipeline.identity import user_id
from pipeline.settings import load_settings
from pipeline.worker_identity import operator_account

if TYPE_CHECKING:
    from pipeline.store.holds import Hold, Scope

group = typer.Typer(
    help="Keep documents from being deleted, by anybody, until a hold is lifted.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Reason = Annotated[
    str, typer.Option("--reason", metavar="WORDS", help="Why, such as a matter's number.")
]


@group.command()
def place(
    reason: Reason,
    user: Annotated[str | None, typer.Option(help="Whose documents: a UUID or any name.")] = None,
    document: Annotated[
        str | None, typer.Option(help="One document with all inside it: path, name or id.")
    ] = None,
    tag: Annotated[str | None, typer.Option(help="Documents that have it.")] = None,
    json: Json = False,
) -> None:
    """Place a hold: what matches all that is named is deleted by nothing from now on."""
    if user is document is tag is None:
        raise UsageError(
            "A hold names what it is on.", remedy="Give --user, --document, --tag or several."
        )
    if not reason.strip():
        raise UsageError("A hold has a reason.", remedy="Give it with --reason.")
    from pipeline.store import holds

    settings = load_settings()
    scope = asyncio.run(_scope(user, document, tag))
    work = partial(
        holds.place, hold_id=uuid4(), scope=scope, reason=reason.strip(), who=operator_account()
    )
    placed = asyncio.run(in_transaction(settings, work))
    if json:
        print_json(hold_json(placed))
        return
    tell(f"Placed {str(placed.id)[:8]}: it keeps {quantity(placed.documents, 'document')} now.")


async def _scope(user: str | None, document: str | None, tag: str | None) -> Scope:
    from app.terminal.documents import chosen
    from pipeline.store.holds import Scope

    owner = user_id(user) if user is not None else None
    if document is None:
        return Scope(owner, None, tag)
    [found] = await chosen(load_settings(), user, [document])
    return Scope(owner, found.document_id, tag)


@group.command("list")
def show(json: Json = False) -> None:
    """Show every hold: those in force first."""
    from pipeline.store import holds

    found = asyncio.run(in_transaction(load_settings(), holds.all_holds))
    if json:
        print_json({"holds": [hold_json(each) for each in found]})
        return
    if not found:
        say("There are no holds: `navigator hold place` places one.")
        return
    grid = table(
        ("Id", {"no_wrap": True}), ("On", {"overflow": "fold"}), right("Documents"), "Placed",
        "By", ("Why", {"overflow": "fold"}), "Lifted",
    )  # fmt: skip
    for each in found:
        lifted = f"{each.lifted_at.astimezone():%Y-%m-%d}: " if each.lifted_at else ""
        grid.add_row(
            str(each.id)[:8], text(scope_words(each.scope)), number(each.documents),
            f"{each.placed_at.astimezone():%Y-%m-%d}", text(each.who), text(each.reason),
            text(f"{lifted}{each.lifted_reason}"),
        )  # fmt: skip
    answers().print(grid)


def scope_words(scope: Scope) -> str:
    """What a hold or a rule is about, in words; users and documents by their ids."""
    parts = [
        f"the document {scope.document_id}" if scope.document_id else "",
        f"documents with the tag {scope.tag}" if scope.tag else "",
        f"of the user {scope.owner_id}" if scope.owner_id else "",
    ]
    said = " ".join(filter(None, parts))
    return f"all documents {said}".strip() if not (scope.tag or scope.document_id) else said


@group.command()
def lift(
    hold: Annotated[str, typer.Argument(metavar="ID", help="As `navigator hold list` shows it.")],
    reason: Reason,
    json: Json = False,
) -> None:
    """Lift a hold; that there was one stays known."""
    from pipeline.store import holds

    settings = load_settings()
    found = _named(asyncio.run(in_transaction(settings, holds.all_holds)), hold)
    asyncio.run(in_transaction(settings, partial(holds.lift, hold_id=found, reason=reason)))
    if json:
        print_json({"lifted": str(found)})
    else:
        tell(f"Lifted {str(found)[:8]}.")


def _named(found: list[Hold], given: str) -> UUID:
    matching = [each.id for each in found if not each.lifted_at and str(each.id).startswith(given)]
    if len(matching) == 1 and len(given) >= 4:
        return matching[0]
    raise UsageError(
        f"{given[:63]!r} names no hold in force.", remedy="`navigator hold list` shows them."
    )


def hold_json(hold: Hold) -> dict[str, Any]:
    """One hold for a program."""
    return {
        "id": str(hold.id),
        "user_id": hold.scope.owner_id,
        "document_id": hold.scope.document_id,
        "tag": hold.scope.tag,
        "reason": hold.reason,
        "who": hold.who,
        "placed_at": hold.placed_at,
        "lifted_at": hold.lifted_at,
        "lifted_reason": hold.lifted_reason,
        "documents": hold.documents,
    }
