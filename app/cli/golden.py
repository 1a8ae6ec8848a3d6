"""`navigator golden`: keeps the questions by which embedding spaces are compared."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from app.terminal import options
from app.terminal.console import answers, print_json, quantity, right, say, table, tell, text
from app.terminal.options import Json, User
from pipeline.errors import UsageError
from pipeline.identity import user_id
from pipeline.private_files import open_home
from pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from stages.golden.questions import GoldenQuestion

group = typer.Typer(
    help="Keep the questions by which embedding spaces are compared.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
File = Annotated[
    Path | None,
    typer.Option("--file", metavar="FILE", help="JSON lines or YAML. [NAVIGATOR_GOLDEN_QUESTIONS]"),
]


@group.command()
def add(
    question: Annotated[str, typer.Argument(help="In your own words.")],
    rank: Annotated[
        list[int] | None,
        typer.Option(
            min=1, max=50, help="Which answer of the search is right. Repeat for several."
        ),
    ] = None,
    document: Annotated[
        str | None, typer.Option(help="Or the document's name in which the answer stands,")
    ] = None,
    page: Annotated[int | None, typer.Option(min=1, help="its page,")] = None,
    quote: Annotated[str | None, typer.Option(help="or words of it.")] = None,
    file: File = None,
    user: User = None,
    json: Json = False,
) -> None:
    """Add a question with its answer: a place of what the search finds, or one that you name."""
    settings = load_settings()
    given = document is not None or page is not None or quote is not None
    if given and rank:
        raise UsageError("--rank and a place contradict each other.", remedy="Give one of the two.")
    made = (
        _named(question, document, page, quote, user)
        if given
        else asyncio.run(_of_search(settings, question, rank or [1], user))
    )
    added = _store(settings, file, made)
    if json:
        print_json(added_json(added, made))
        return
    for each in made:
        for passage in each.expected:
            said = f"page {passage.page} of " if passage.page else ""
            tell(f"{each.id}: expects {said}{passage.document or 'any document'}")
            if passage.quote:
                say(f"  “{passage.quote}”")


def _named(
    question: str, document: str | None, page: int | None, quote: str | None, user: str | None
) -> list[GoldenQuestion]:
    from pydantic import ValidationError

    from stages.golden.questions import Expected, GoldenQuestion

    try:
        expected = Expected(document=document, page=page, quote=quote)
        return [GoldenQuestion(question=question, expected=(expected,), user=user)]
    except ValidationError:
        raise UsageError(
            "A page alone says nothing.", remedy="Add --document NAME, or --quote WORDS."
        ) from None


async def _of_search(
    settings: Settings, question: str, ranks: list[int], user: str | None
) -> list[GoldenQuestion]:
    from app.cli.search import SearchRequest, search
    from stages.golden.drawing import of_passage, with_new

    found = await search(SearchRequest(question, limit=max(ranks), user=user), settings)
    if len(found.passages) < max(ranks):
        raise UsageError(
            f"The search finds {quantity(len(found.passages), 'passage')}.",
            remedy="Give a --rank among them, or name the place by --document and --quote.",
        )
    made = [of_passage(question, found.passages[rank - 1], user) for rank in ranks]
    return with_new(made[:1], made[1:])[0]


def _store(settings: Settings, file: Path | None, made: list[GoldenQuestion]) -> int:
    from stages.golden.drawing import with_new
    from stages.golden.questions import golden_file, read_questions, write_questions

    path = golden_file(settings, file)
    if path.parent == settings.home:
        open_home(settings.home)
    questions, added = with_new(read_questions(path), made)
    write_questions(path, questions)
    return added


@group.command()
def draw(
    limit: options.Limit = 20, file: File = None, user: User = None, json: Json = False
) -> None:
    """Draw passages from the corpus as drafts: write their questions, and take `draft` away."""
    from stages.golden.questions import golden_file

    settings = load_settings()
    made = asyncio.run(_drawn(settings, limit, user))
    added = _store(settings, file, made)
    if json:
        print_json(added_json(added, made))
        return
    tell(f"{quantity(added, 'draft')} in {golden_file(settings, file)}.")
    say("Drafts are not asked: write each question in a person's words, and take its draft away.")


async def _drawn(settings: Settings, limit: int, user: str | None) -> list[GoldenQuestion]:
    from stages.golden.drawing import drawn
    from stages.services import open_database

    async with AsyncExitStack() as stack:
        database = await open_database(settings, stack)
        return await drawn(database, user_id(user or settings.user), limit, user)


@group.command("list")
def list_(file: File = None, user: User = None, json: Json = False) -> None:
    """Show the questions of the file, with its drafts, and those that the user keeps."""
    from stages.golden.questions import golden_file, read_questions

    settings = load_settings()
    found = read_questions(golden_file(settings, file))
    kept = asyncio.run(_kept(settings, user))
    if json:
        print_json(listed_json(found, kept))
        return
    if not found and not kept:
        say("There are no golden questions: `navigator golden add QUESTION` adds one.")
        return
    shown = table(("Id", {"no_wrap": True}), "Question", right("Passages"), "In", "")
    for each in found:
        draft = "draft" if each.draft else ""
        shown.add_row(each.id, text(each.question), str(len(each.expected)), FILE, draft)
    for name, each in kept.items():
        passages = str(len(each.expected))
        shown.add_row(str(name)[:_SHORT], text(each.question), passages, DATABASE, "")
    answers().print(shown)


FILE, DATABASE = "file", "database"
"""Where a question is kept: the file is the operator's, the database has each user's own."""

_SHORT = 8


async def _kept(settings: Settings, user: str | None) -> dict[UUID, GoldenQuestion]:
    from stages.golden.kept import kept_questions
    from stages.services import open_database

    async with AsyncExitStack() as stack:
        database = await open_database(settings, stack)
        return await kept_questions(database, user_id(user or settings.user))


@group.command()
def remove(
    question: Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")],
    file: File = None,
    user: User = None,
    json: Json = False,
) -> None:
    """Remove a question, from the file or from those that the user keeps."""
    from stages.golden.questions import golden_file, read_questions, write_questions

    settings = load_settings()
    path = golden_file(settings, file)
    found = read_questions(path)
    left = [each for each in found if each.id != question]
    if len(left) < len(found):
        write_questions(path, left)
        remaining = len(left)
    else:
        remaining = asyncio.run(_forgotten(settings, question, user))
    if json:
        print_json(removed_json(question, remaining))
    else:
        tell(f"Removed {question}; {quantity(remaining, 'question')} left.")


async def _forgotten(settings: Settings, question: str, user: str | None) -> int:
    """Remove a question from those that the user keeps; how many are left."""
    from stages.golden.kept import forget_question, kept_questions
    from stages.services import open_database

    async with AsyncExitStack() as stack:
        database = await open_database(settings, stack)
        owner = user_id(user or settings.user)
        kept = await kept_questions(database, owner)
        asked = question.lower() if len(question) >= _SHORT else None
        meant = [each for each in kept if asked and str(each).startswith(asked)]
        if len(meant) != 1:
            raise UsageError(
                f"There is no golden question {question!r}.",
                remedy="`navigator golden list` shows their ids.",
            )
        await forget_question(database, owner, meant[0])
        return len(kept) - 1


def added_json(added: int, made: Sequence[GoldenQuestion]) -> dict[str, Any]:
    """Questions that were added, for a program."""
    return {"added": added, "questions": [_json(each) for each in made]}


def listed_json(
    found: Sequence[GoldenQuestion], kept: Mapping[UUID, GoldenQuestion]
) -> dict[str, Any]:
    """Questions of the file and those that a user keeps, for a program."""
    of_file = [{**_json(each), "kept_in": FILE} for each in found]
    kept_ones = [
        {**_json(each), "id": str(name), "kept_in": DATABASE} for name, each in kept.items()
    ]
    return {"questions": of_file + kept_ones}


def removed_json(question: str, left: int) -> dict[str, Any]:
    """A question that was removed, for a program."""
    return {"removed": question, "left": left}


def _json(question: GoldenQuestion) -> dict[str, Any]:
    return {
        "id": question.id,
        "question": question.question,
        "user": question.user,
        "draft": question.draft,
        "expected": [
            {"document": each.document, "page": each.page, "quote": each.quote}
            for each in question.expected
        ],
    }
