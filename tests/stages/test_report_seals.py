"""Signed reports: each way of changing one is told apart from the others, and from none."""

from __future__ import annotations

import asyncio
import gzip
import json
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from checks.report import PageSeal, render
from checks.report_json import report_json
from pipeline.canonical_json import canonical
from pipeline.errors import ConfigurationError
from pipeline.identity import owner_mark, user_id
from pipeline.settings import Settings
from pipeline.store import report_seals
from pipeline.store.engine import Database
from pipeline.store.report_seals import SealRow
from stages.report_keys import FILE, ReportKeys, keys_of, report_keys, rotate
from stages.report_readiness import report_readiness
from stages.report_sealing import (
    SealedReport,
    exported,
    remove_reports,
    seal_report,
)
from stages.report_verifying import verify_chain, verify_file
from tests.checks.report_examples import report_data

ANNA = user_id("anna")
SECRET = "a-secret-of-this-installation-long-enough"
OURS = keys_of(SECRET, "test")
SETTINGS = Settings(report_keys=SecretStr(SECRET))
OTHERS = keys_of("a-secret-of-another-installation-long-too", "test")
DATA = report_data()
FIGURES = report_json(DATA)
IDS = [UUID(int=number) for number in range(1, 4)]


def page(report: UUID) -> bytes:
    return render(DATA, PageSeal(str(report), "ab" * 32, OURS.signing)).encode()


PAGES = {each: page(each) for each in IDS}


async def sealed(database: Database, report: UUID, keys: ReportKeys = OURS) -> SealRow:
    made = SealedReport(report, None, None, (owner_mark(ANNA),), FIGURES, PAGES[report])
    return await seal_report(database, keys, made)


@pytest.fixture
async def chained(database: Database) -> AsyncIterator[Database]:
    """A database with three reports."""
    for report in IDS:
        await sealed(database, report)
    yield database


async def tamper(database: Database, statement: str, **values: Any) -> None:
    """What somebody with the database's owner can do, and the pipeline's role cannot."""
    async with database.login() as connection:
        await connection.execute(sa.text("SET LOCAL search_path TO upload_pipeline"))
        await connection.execute(sa.text(statement), values)


async def test_an_untouched_chain_holds(chained: Database) -> None:
    """Every link and every file of a report that nobody changed is found to be so."""
    verdict = await verify_chain(chained, OURS)
    assert (verdict.links, verdict.findings, verdict.removed) == (3, (), 0)
    assert "3 links, none changed, none missing" in verdict.sentence
    assert (await verify_file(chained, OURS, PAGES[IDS[1]])).holds
    assert (await verify_file(chained, OURS, await exported_file(chained))).holds


async def exported_file(database: Database, change: Callable[[Any], None] | None = None) -> bytes:
    """A report's JSON as the API gives it, perhaps changed."""
    async with database.service() as connection:
        [row] = await report_seals.seals_of(connection, IDS[1])
        content = await report_seals.content_of(connection, IDS[1])
    assert content is not None
    told = exported(row, content)
    if change is not None:
        change(told)
    return json.dumps(told, indent=2).encode()


def a_number(report: dict[str, Any]) -> None:
    report["totals"]["documents"] += 1


def a_row(report: dict[str, Any]) -> None:
    del report["versions"][7]


@pytest.mark.parametrize(
    ("change", "section", "place"),
    [
        (a_number, "totals", "totals.documents is 200, 199 was signed"),
        (a_row, "versions", "versions has 199 rows, 200 were signed"),
    ],
)
async def test_changed_figures_are_told_with_their_place(
    chained: Database, change: Callable[[Any], None], section: str, place: str
) -> None:
    """A number or a row: in the database by its section, in a file by its very place."""
    in_file = await verify_file(
        chained, OURS, await exported_file(chained, lambda told: change(told["report"]))
    )
    assert (in_file.code, place in in_file.sentence) == ("figures_changed", True), in_file
    changed = json.loads(json.dumps(FIGURES))
    change(changed)
    await tamper(
        chained, "UPDATE report_contents SET content = :content WHERE id = :id",
        content=gzip.compress(canonical(changed)), id=IDS[1],
    )  # fmt: skip
    [found] = (await verify_chain(chained, OURS)).findings
    assert found.code == "figures_changed"
    assert f"Report 2 was changed since it was signed: its section {section}" in found.sentence


async def test_a_changed_page_is_told_apart_from_changed_figures(chained: Database) -> None:
    """In the database, and as a file that somebody edited."""
    edited = PAGES[IDS[1]].replace(b"192 of 200", b"200 of 200")
    assert edited != PAGES[IDS[1]]
    assert (await verify_file(chained, OURS, edited)).code == "page_changed"
    await tamper(
        chained, "UPDATE report_contents SET page = :page WHERE id = :id",
        page=gzip.compress(edited), id=IDS[1],
    )  # fmt: skip
    [found] = (await verify_chain(chained, OURS)).findings
    assert (found.code, "its figures were not" in found.sentence) == ("page_changed", True)


async def test_a_missing_link_is_told(chained: Database) -> None:
    """One within the chain by its number; the newest by whoever has that report."""
    file = await exported_file(chained)
    await tamper(chained, "DELETE FROM report_seals WHERE number = 2")
    [found] = (await verify_chain(chained, OURS)).findings
    assert (found.code, found.sentence) == ("link_missing", "Link 2 is missing from the chain.")
    assert (await verify_file(chained, OURS, file)).code == "link_missing"
    assert (await verify_file(chained, OURS, PAGES[IDS[1]])).code == "unknown"


async def test_a_chain_that_was_closed_over_a_missing_link_is_told(chained: Database) -> None:
    """Numbers can be written anew, and then the statements no longer say the same."""
    await tamper(chained, "DELETE FROM report_seals WHERE number = 2")
    await tamper(chained, "UPDATE report_seals SET number = 2 WHERE number = 3")
    found = (await verify_chain(chained, OURS)).findings
    assert [each.code for each in found] == ["link_exchanged", "link_changed"]


@pytest.mark.parametrize(
    "change",
    [
        "made_at = made_at - interval '1 day'",
        "user_id = gen_random_uuid()",
        "statement = statement || ' '",
        "signature = (SELECT signature FROM report_seals WHERE number = 1)",
    ],
)
async def test_a_changed_link_is_told(chained: Database, change: str) -> None:
    """Time, owner, statement or signature: it no longer is what was signed."""
    await tamper(chained, f"UPDATE report_seals SET {change} WHERE number = 3")
    [found] = (await verify_chain(chained, OURS)).findings
    assert (found.code, found.sentence[:18]) == ("link_changed", "Link 3 was changed")


async def test_another_installations_key_is_told(chained: Database) -> None:
    """What somebody else signed stands in the chain, or is shown to us as a file."""
    await tamper(chained, "DELETE FROM report_contents WHERE id = :id", id=IDS[2])
    await tamper(chained, "DELETE FROM report_seals WHERE number = 3")
    row = await sealed(chained, IDS[2], OTHERS)
    [found] = (await verify_chain(chained, OURS)).findings
    assert found.code == "foreign_key"
    assert f"the key {OTHERS.signing}, which is none of this installation's" in found.sentence
    theirs = json.dumps(exported(row, gzip.compress(canonical(FIGURES)))).encode()
    assert (await verify_file(chained, OURS, theirs)).code == "foreign_key"


async def test_a_removed_report_is_not_a_lost_one(chained: Database) -> None:
    """Erasing a user takes the reports over them, and a signed link says so."""
    await tamper(chained, "DELETE FROM report_contents WHERE id = :id", id=IDS[0])
    [found] = (await verify_chain(chained, OURS)).findings
    assert found.code == "content_missing"
    assert await remove_reports(chained, SETTINGS, ANNA, "a user was erased") == 2
    verdict = await verify_chain(chained, OURS)
    assert [each.code for each in verdict.findings] == ["content_missing"]
    assert (verdict.links, verdict.removed) == (5, 2)
    assert await remove_reports(chained, SETTINGS, ANNA, "a user was erased") == 0


async def test_reports_of_one_moment_are_a_chain(database: Database) -> None:
    """Two that are sealed at once do not name the same link as the one before them."""
    await asyncio.gather(*(sealed(database, report) for report in IDS))
    verdict = await verify_chain(database, OURS)
    assert (verdict.links, verdict.findings) == (3, ())


@pytest.mark.parametrize(
    "file", [b"", b"{}", b"[" * 5000, b"\xff\xfe", b'{"report": 1, "seal": 2}']
)
async def test_what_is_no_report_is_told(database: Database, file: bytes) -> None:
    """Neither page nor JSON of ours, and no error either."""
    assert (await verify_file(database, OURS, file)).code == "unknown"


async def test_it_is_told_beforehand_whether_reports_can_be_signed(
    database: Database, tmp_path: Path
) -> None:
    """Without a report nothing is missing and no key is made; then it has to be the one of then."""
    kept = Settings(home=tmp_path)
    assert "none was signed yet" in await report_readiness(kept, database)
    assert not (tmp_path / FILE).exists()
    await sealed(database, IDS[0])
    assert OURS.signing in await report_readiness(SETTINGS, database)
    with pytest.raises(ConfigurationError, match="is missing here"):
        await report_readiness(kept, database)
    (tmp_path / FILE).write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="something else than secrets"):
        await report_readiness(kept, database)
    (tmp_path / FILE).write_text("a-secret-of-another-installation-long-too")
    with pytest.raises(ConfigurationError, match="none of this installation's"):
        await report_readiness(kept, database)
    (tmp_path / FILE).write_text(f"a-secret-of-another-installation-long-too {SECRET}")
    assert "verifies" in await report_readiness(kept, database)


def test_an_older_key_still_verifies(tmp_path: Path) -> None:
    """In the settings as a further secret; in the home folder rotating keeps the public part."""
    new, old = "a-new-secret-of-this-installation-long", "the-secret-of-before-that-is-long-too"
    both = keys_of(f"{new} {old}", "test")
    assert (both.signing in keys_of(new, "test").public, len(both.public)) == (True, 2)
    settings = Settings(home=tmp_path, report_keys=SecretStr(f"{new} {old}"))
    assert report_keys(settings).public == both.public
    with pytest.raises(ConfigurationError, match="NAVIGATOR_REPORT_KEYS"):
        rotate(settings)
    kept = Settings(home=tmp_path)
    before = report_keys(kept)
    after = rotate(kept)
    assert after.signing != before.signing
    assert before.signing in after.public
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    message = b"signed before"
    assert after.verifies(before.signing, message, before.sign(message))
    assert not after.verifies(after.signing, message, before.sign(message))
