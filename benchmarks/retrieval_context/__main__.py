"""`python -m benchmarks.retrieval_context --documents FOLDER`: complete answers, in figures.

Each question of `questions.jsonl` asks what a policyholder asks of one public policy; its decisive
exclusion or limit is a quotation with its page. FOLDER holds those policies, found by the hash of
their bytes; `questions.jsonl` names them. They are taken into a home of its own, and each
question is asked of its policy: five passages, five with context, and so many passages more as
have the length of that context.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.retrieval_context.scores import Asked, decisive, table
from insurance_navigator import AsyncNavigator
from insurance_navigator.results import Passage

QUESTIONS = Path(__file__).with_name("questions.jsonl")
_LIMIT, _MANY = 5, 60


@dataclass(frozen=True, slots=True)
class Question:
    """A question, its policy, and what must be in the answer: any one of the quotations."""

    document: str
    sha256: str
    question: str
    quotes: tuple[str, ...]
    held_out: bool


def questions() -> list[Question]:
    """The questions of the file."""
    lines = map(json.loads, QUESTIONS.read_text("utf-8").splitlines())
    return [
        Question(
            line["document"], line["sha256"], line["question"],
            tuple(each["quote"] for each in line["decisive"]), line["set"] == "held_out",
        )
        for line in lines
    ]  # fmt: skip


def main() -> None:
    """Ask all questions of the documents that are there, and print the table."""
    options = _options()
    files = _found(options.documents, {each.sha256 for each in questions()})
    asked = [each for each in questions() if each.sha256 in files]
    if not asked:
        raise SystemExit(f"None of the policies of {QUESTIONS.name} is in {options.documents}.")
    print(f"{len(asked)} questions of {len(files)} policies")
    with tempfile.TemporaryDirectory() as empty:
        home = options.home or Path(empty)
        scored = asyncio.run(_ask(asked, list(files.values()), home, options))
    for title, own in (
        ("used for tuning", [each for each in scored if not each.held_out]),
        ("set aside", [each for each in scored if each.held_out]),
        ("all", scored),
    ):
        print(table(title, own))
    if options.missed:
        for each in scored:
            if not each.with_context and not each.held_out:
                print("missed:", each.question)


async def _ask(
    asked: Sequence[Question], files: Sequence[Path], home: Path, options: argparse.Namespace
) -> list[Asked]:
    async with AsyncNavigator(home=home) as navigator:
        result = await navigator.ingest(files)
        named = {_sha256(Path(each.source)): each.document_id for each in result.documents}
        scored = []
        for each in asked:
            document = named[each.sha256]
            plain = await navigator.search(each.question, document=document, limit=_MANY)
            found = await navigator.search(
                each.question, document=document, limit=_LIMIT,
                context=True, context_characters=options.characters,
            )  # fmt: skip
            scored.append(_scored(each, plain.passages, found.passages))
    return scored


def _scored(asked: Question, plain: Sequence[Passage], found: Sequence[Passage]) -> Asked:
    first = [each.text for each in plain[:_LIMIT]]
    context = [each.text for passage in found for each in passage.companions]
    room = sum(map(len, context))
    return Asked(
        question=asked.question,
        held_out=asked.held_out,
        without=decisive(asked.quotes, first),
        with_context=decisive(asked.quotes, [*(each.text for each in found), *context]),
        as_long=decisive(asked.quotes, [*first, *_filling(plain[_LIMIT:], room)]),
        characters=sum(map(len, first)),
        added=room,
    )


def _filling(passages: Iterable[Passage], room: int) -> list[str]:
    """The next passages of a plain search, until they are as long as the context was."""
    texts = []
    for passage in passages:
        if room <= 0:
            break
        texts.append(passage.text)
        room -= len(passage.text)
    return texts


def _found(folder: Path, wanted: set[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*.pdf")):
        sha256 = _sha256(path)
        if sha256 in wanted:
            found.setdefault(sha256, path.absolute())
    return found


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retrieval_context")
    parser.add_argument("--documents", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--characters", type=int, default=12_000, help="room for the context")
    parser.add_argument("--home", type=Path, help="keep the documents here for the next time")
    parser.add_argument("--missed", action="store_true", help="name what tuning still misses")
    return parser.parse_args()


if __name__ == "__main__":
    main()
