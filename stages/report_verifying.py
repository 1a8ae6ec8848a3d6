"""Verifies quality reports: what holds of one, or of the whole chain, or what was changed.

Each way of tampering is told apart: figures (with their section), the page, a link's row, a link
that is missing or exchanged, a key of another installation, and a report that was removed.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from checks.report_json import section_hashes
from pipeline.canonical_json import canonical
from pipeline.identity import sha256_hex
from pipeline.store import report_seals
from pipeline.store.engine import Database
from pipeline.store.report_seals import SealRow
from stages.report_keys import ReportKeys
from stages.report_sealing import link_hash, statement_of

_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Finding:
    """What verifying found.

    Attributes:
        code: ``holds``, or what is wrong in one word. sentence: for a person.
    """

    code: str
    sentence: str

    @property
    def holds(self) -> bool:
        return self.code in ("holds", "removed")


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """What verifying the chain found.

    Attributes:
        links: how many there are. head: the hash of the newest, empty when there is none.
        findings: what is wrong, in the order of the chain; empty when all holds.
        removed: reports that were removed with a signed link that says so.
    """

    links: int
    head: str
    findings: tuple[Finding, ...]
    removed: int

    @property
    def sentence(self) -> str:
        """What holds, when nothing is wrong."""
        if not self.links:
            return "No report was signed yet."
        gone = (
            f" {self.removed} were removed, as a signed link says of each." if self.removed else ""
        )
        return (
            f"The chain holds: {self.links} links, none changed, none missing between the first "
            f"and the newest, {self.head[:16]}.{gone}"
        )


async def verify_chain(database: Database, keys: ReportKeys) -> ChainVerdict:
    """Verify every link, the figures and page of every report, and that no link is missing."""
    findings: list[Finding] = []
    before: SealRow | None = None
    links, removals = 0, await _removals(database)
    async for row in _links(database):
        links += 1
        findings += _out_of_place(row, before)
        found = verify_link(row, keys)
        if found.holds and row.kind == "report":
            found = await _verify_stored(database, row, removals)
        if not found.holds:
            findings.append(found)
        before = row
    return ChainVerdict(links, link_hash(before) if before else "", tuple(findings), len(removals))


async def verify_file(database: Database, keys: ReportKeys, data: bytes) -> Finding:
    """Verify a report's page or JSON file against its signature and this installation's chain."""
    try:
        return await _verify_json(database, keys, json.loads(data))
    except (ValueError, RecursionError):
        return await _verify_page(database, keys, data)


def verify_link(row: SealRow, keys: ReportKeys) -> Finding:
    """Verify one link by itself: its key, its signature, and that its columns say the same."""
    name = f"Link {row.number}"
    stated = _statement(row.statement)
    if stated is None:
        return Finding("link_changed", f"{name} was changed: its statement cannot be read.")
    key = str(stated.get("key"))
    if key not in keys.public:
        return _foreign(name, key)
    if not keys.verifies(key, row.statement.encode(), row.signature):
        return Finding(
            "link_changed", f"{name} was changed since it was signed: its signature is wrong."
        )
    columns = statement_of(row)
    if wrong := [each for each, value in columns.items() if stated.get(each) != value]:
        return Finding(
            "link_changed", f"{name} was changed since it was signed: its {wrong[0]} is another."
        )
    return Finding("holds", f"{name} holds: it was signed by this installation's key {key}.")


def _foreign(name: str, key: str) -> Finding:
    return Finding(
        "foreign_key",
        f"{name} was signed by the key {key}, which is none of this installation's.",
    )


def _out_of_place(row: SealRow, before: SealRow | None) -> list[Finding]:
    expected = before.number + 1 if before else 1
    if row.number != expected:
        missing = (
            f"Link {expected} is"
            if row.number == expected + 1
            else f"Links {expected} to {row.number - 1} are"
        )
        return [Finding("link_missing", f"{missing} missing from the chain.")]
    if row.previous != (link_hash(before) if before else ""):
        return [
            Finding(
                "link_exchanged",
                f"Link {row.number} does not follow the link before it, which was changed or "
                "exchanged.",
            )
        ]
    return []


async def _verify_stored(database: Database, row: SealRow, removals: Mapping[UUID, str]) -> Finding:
    async with database.service() as connection:
        content = await report_seals.content_of(connection, row.id)
        page = await report_seals.page_of(connection, row.id)
    stated = json.loads(row.statement)
    if content is None or page is None:
        return _gone(row, removals)
    report = _unpacked(content)
    if report is None:
        return _changed(row, "its figures cannot be read")
    if found := _figures(row, stated, report):
        return found
    try:
        shown = gzip.decompress(page)
    except (OSError, EOFError, zlib.error):
        shown = b""
    if sha256_hex(shown) != stated["page_sha256"]:
        return Finding(
            "page_changed",
            f"The page of report {row.number} was changed since it was signed; its figures were "
            "not.",
        )
    return Finding("holds", _holds(row, stated))


def _holds(row: SealRow, stated: Mapping[str, Any]) -> str:
    return (
        f"Report {row.number}, made {row.made_at:%d %b %Y, %H:%M} UTC, holds: figures and page are "
        f"as they were signed by this installation's key {stated['key']}."
    )


def _gone(row: SealRow, removals: Mapping[UUID, str]) -> Finding:
    if row.id in removals:
        return Finding(
            "removed",
            f"Report {row.number} was removed ({removals[row.id]}); a signed link says so.",
        )
    return Finding(
        "content_missing",
        f"Report {row.number} was signed, and its figures or its page are missing without a link "
        "that says that they were removed.",
    )


def _changed(row: SealRow, how: str) -> Finding:
    return Finding(
        "figures_changed", f"Report {row.number} was changed since it was signed: {how}."
    )


def _figures(
    row: SealRow,
    stated: Mapping[str, Any],
    report: Mapping[str, Any],
    signed: Mapping[str, Any] | None = None,
) -> Finding | None:
    """What is wrong with a report's figures; `signed`, where they are known, tell the place."""
    if sha256_hex(canonical(report)) == stated["content_sha256"]:
        return None
    found, expected = section_hashes(report), dict(stated["sections"])
    wrong = [name for name in sorted({*found, *expected}) if found.get(name) != expected.get(name)]
    name = wrong[0] if wrong else "the whole"
    if signed is not None and (place := first_difference(signed, report)):
        return _changed(row, place)
    return _changed(row, f"its section {name} is another")


def first_difference(signed: Any, found: Any, place: str = "") -> str:
    """Where two JSON values differ first, in words; empty when they do not."""
    if isinstance(signed, dict) and isinstance(found, dict):
        for name in sorted({*signed, *found}):
            inner = f"{place}.{name}" if place else name
            if name not in found or name not in signed:
                return f"{inner} {'is missing' if name in signed else 'was added'}"
            if told := first_difference(signed[name], found[name], inner):
                return told
        return ""
    if isinstance(signed, list) and isinstance(found, list):
        if len(signed) != len(found):
            return f"{place} has {len(found)} rows, {len(signed)} were signed"
        for number, (one, other) in enumerate(zip(signed, found, strict=True), start=1):
            if told := first_difference(one, other, f"{place}, row {number}"):
                return told
        return ""
    if canonical(signed) == canonical(found):
        return ""
    return f"{place} is {_short(found)}, {_short(signed)} was signed"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= 60 else text[:57] + "…"


async def _verify_json(database: Database, keys: ReportKeys, given: Any) -> Finding:
    try:
        report, seal = given["report"], given["seal"]
        stated, signature = dict(seal["statement"]), str(seal["signature"])
        number, key = int(stated["number"]), str(stated["key"])
        report_id = UUID(str(stated["id"]))
        signed_parts = {str(stated["content_sha256"]), *dict(stated["sections"])}
    except (TypeError, KeyError, ValueError):
        signed_parts = set()
    if not signed_parts:
        return _none("The file is no report of this program.")
    statement = canonical(stated)
    if key not in keys.public:
        return _foreign(f"Report {number}", key)
    if not keys.verifies(key, statement, signature):
        return Finding(
            "link_changed",
            f"The seal of report {number} was changed since it was signed: its signature is wrong.",
        )
    async with database.service() as connection:
        row = next(
            (r for r in await report_seals.seals_of(connection, report_id) if r.kind == "report"),
            None,
        )
        stored = await report_seals.content_of(connection, report_id)
    if row is None:
        return _unchained(number)
    known = _unpacked(stored) if stored is not None else None
    intact = known is not None and sha256_hex(canonical(known)) == stated["content_sha256"]
    if found := _figures(row, stated, report, known if intact else None):
        return found
    if row.statement.encode() != statement:
        return Finding(
            "link_exchanged",
            f"Report {number} was signed by this installation, and its chain has another link in "
            "that place.",
        )
    return Finding("holds", _holds(row, stated))


async def _verify_page(database: Database, keys: ReportKeys, data: bytes) -> Finding:
    report_id = _id_in(data)
    if report_id is None:
        return _none(
            "The file is no report of this program, or one from before reports were signed."
        )
    async with database.service() as connection:
        links = await report_seals.seals_of(connection, report_id)
    row = next((each for each in links if each.kind == "report"), None)
    if row is None:
        return Finding(
            "unknown",
            "This installation's chain has no such report: it is another installation's, or its "
            "link was removed.",
        )
    if not (found := verify_link(row, keys)).holds:
        return found
    stated = json.loads(row.statement)
    if sha256_hex(data) != stated["page_sha256"]:
        return Finding(
            "page_changed", f"The page of report {row.number} was changed since it was signed."
        )
    return Finding(
        "holds",
        f"The page of report {row.number}, made {row.made_at:%d %b %Y, %H:%M} UTC, holds: it is "
        f"as it was signed by this installation's key {stated['key']}.",
    )


def _unchained(number: int) -> Finding:
    return Finding(
        "link_missing",
        f"Report {number} was signed by this installation, and its link is missing from the chain.",
    )


def _none(sentence: str) -> Finding:
    return Finding("unknown", sentence)


def _id_in(page: bytes) -> UUID | None:
    """The id that a page names, read without trusting the page."""
    mark = b'<meta name="report" content="'
    start = page.find(mark)
    if start < 0:
        return None
    try:
        return UUID(page[start + len(mark) : start + len(mark) + 36].decode("ascii"))
    except ValueError:
        return None


def _statement(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _unpacked(content: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(gzip.decompress(content))
    except (OSError, EOFError, ValueError, zlib.error):
        return None
    return found if isinstance(found, dict) else None


async def _links(database: Database) -> AsyncIterator[SealRow]:
    after = 0
    while True:
        async with database.service() as connection:
            found = await report_seals.chain(connection, after, _AT_ONCE)
        for row in found:
            yield row
        if len(found) < _AT_ONCE:
            return
        after = found[-1].number


async def _removals(database: Database) -> dict[UUID, str]:
    found = {}
    async for row in _links(database):
        if row.kind == "removal":
            found[row.id] = str((_statement(row.statement) or {}).get("reason", ""))
    return found
