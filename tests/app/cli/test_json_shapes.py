"""docs/json.md holds what commands print with --json: every path, and its type.

`check`, `backup`, `restore`, `chaos NAME`, `load`, `delete`, `doctor`, `dashboard` and `retry`,
`resume`, `seed` are not run here: the functions that make their JSON get real values. So do others
for what the corpus has not, such as a run that was stopped.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from app import reviews
from app.chaos import experiment_report
from app.chaos.experiment_report import Outcome
from app.chaos.oracle import Breach, Verdict
from app.cli import (
    baseline,
    compare,
    costs,
    dashboard,
    delete,
    doctor,
    down,
    drift,
    index,
    page,
    reconcile,
    release,
    releases,
    review,
    search,
    shadow,
    status,
    verify,
    watch,
)
from app.cli.main import COMMANDS
from app.cli.search import SearchRequest
from app.doctor import diagnosis
from app.load import load_report
from app.load.forecast import forecast
from app.stack import smoke_test_report
from app.stack.backup import Saved
from app.stack.kept_parts import KeptParts
from app.stack.smoke_test import Step
from app.terminal import backfills, rollouts, run_report
from app.terminal.document_history import DocumentHistory, history_json
from app.terminal.run_report import RunReport
from deployments.drift.difference import Area, Difference, Repair
from deployments.environment_files import load_environment
from deployments.environment_parts import AcceptedDrift
from deployments.releases.deployment_parts import Outcome as Rolled
from deployments.releases.deployment_parts import Verdict as VerdictOfAll
from deployments.shadow.comparing import shadow_side_by_side
from deployments.verification.comparison import compare_settings
from deployments.verification.findings import Verification
from deployments.verification.side_by_side import side_by_side
from pipeline.backfill_choice import BackfillChoice
from pipeline.chunk_sizes import ChunkSizes
from pipeline.citations import Citation, Copy, PageBox, TableRows
from pipeline.companions.model import Companion, Relation
from pipeline.documents import ParsedPage
from pipeline.errors import ParseCode, ParseError
from pipeline.finding_kinds import Kind
from pipeline.findings import Finding, Tally
from pipeline.foresight.causes import Surroundings
from pipeline.foresight.measures import Measure
from pipeline.foresight.outlook import Limits, Month, Outlook, outlook
from pipeline.highlights import Span
from pipeline.job_notes import JobNote
from pipeline.layout import Table
from pipeline.notes import Note, NoteKind
from pipeline.quotas import StorageUse
from pipeline.source_definition import LastReading, SourceDefinition
from pipeline.sources import RejectedFile
from pipeline.spending_caps import MonthSpending
from pipeline.store.backfills import Backfill
from pipeline.store.candidates import Work
from pipeline.store.deletion import Deleted
from pipeline.store.document_queries import DocumentView
from pipeline.store.embedded import start_embedded
from pipeline.store.findings import MaintenanceRun
from pipeline.store.index_figures import SpaceFigures, WordFigures
from pipeline.store.page_queries import VersionView
from pipeline.store.registration import Outcome as Registered
from pipeline.store.remembered_sizes import PublishedChunks
from pipeline.store.review_decisions import ReviewDecision
from pipeline.store.review_queries import ReviewItem
from pipeline.store.rollouts import Rollout
from pipeline.store.runs import RunDocument
from pipeline.store.search import Passage
from pipeline.store.shadows import Shadow, ShadowResult
from pipeline.store.spending import By, Spending
from pipeline.store.stops import StoppedRun
from pipeline.store.summary import CorpusSummary, RunRecord
from pipeline.words import NearWord
from stages.backfill_plan import BackfillPlan, Share
from stages.backfilling import BackfillOrder
from stages.chunk_sizes import Standing
from stages.page_view import PageView
from stages.planned_documents import PlannedDocument
from stages.reconciling.maintenance_run import MaintenanceOutcome
from stages.reviewing import Reviewed
from stages.search import SearchAnswer
from tests.app.cli.made_spaces import made_spaces
from tests.app.load.steps import step
from tests.app.navigating import ROOT, SAMPLES, Ended, Navigator
from tests.clients.tiny_models import cross_encoder_folder
from tests.deployments.test_releases import packed
from tests.deployments.verification.making import baseline as made_baseline
from tests.pipeline.foresight.making import END, failures, falling, latency

PAGE = (ROOT / "docs" / "json.md").read_text("utf-8")
UNTIL_STOPPED = {"api", "mcp", "up", "worker", "mocks"}
KINDS = {
    dict: "object", list: "array", str: "string", bool: "boolean", int: "integer",
    float: "number", type(None): "null",
}  # fmt: skip
NOW = datetime.now(UTC)
COMPANION = Companion(
    Relation.EXCLUSION, "exclusion in the same section", uuid4(), uuid4(), "a.pdf", "/a.pdf",
    1, None, ("Vacancy",), "exclusion", "", "Not while it is empty.",
)  # fmt: skip


@dataclass
class Node:
    """A path of the page: its types, what stands below it, and the row that says so."""

    types: set[str] = field(default_factory=set)
    row: tuple[str, str] = ("", "")
    optional: bool = False
    below: dict[str, Node] = field(default_factory=dict)


def sections() -> dict[str, list[tuple[str, str, str]]]:
    """The rows of each section, by its heading."""
    found = {}
    for part in re.split(r"^## ", PAGE, flags=re.M)[1:]:
        rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$", part, re.M)
        found[part.splitlines()[0]] = rows
    return found


def _releases() -> Iterator[tuple[str, Any]]:
    one = packed(suites={"chunks": "1"}, pipeline={"parser": "local-2"}).release
    two = packed(
        commit="a1", image="r@sha256:1", baseline_sha256="0", contractions=["0012_old"],
        suites={"chunks": "1"}, pipeline={"parser": "local-2"},
    ).release  # fmt: skip
    for each in (one, two):
        yield "`navigator release`", release.as_json(each, Path("x.zip"))
    ended = Rollout(
        uuid4(), "staging", one.id, None, "0011", {}, "rolled_back", "It is slower.",
        {"verified": False}, "me@here", NOW, NOW, NOW,
    )  # fmt: skip
    under_way = replace(ended, ended_at=None, verification=None)
    deployed = "`navigator deploy`, `rollback`, `promote`"
    yield deployed, rollouts.outcome_json(Rolled(ended, VerdictOfAll({"verified": True})))
    yield deployed, rollouts.outcome_json(Rolled(under_way))
    for rollout in (ended, under_way):
        yield "`navigator releases`", releases.as_json("staging", [rollout], {one.id: one.told()})


def _shadows() -> Iterator[tuple[str, Any]]:
    heading = "`navigator shadow start`, `status`, `stop`"
    ended = Shadow(
        uuid4(), "staging", "0.3.0-5c1e0a7f42", 0.1, 50, Decimal(1), Decimal(0), 7, "me@here",
        NOW, NOW, "Enough.", {"documents": 3, "stages": [], "ends": {"complete / complete": 3}},
    )  # fmt: skip
    side = {"state": "complete", "text": "aa", "chunks": [["1", "x"]], "seconds": {"parse": 0.1}}
    results = [ShadowResult(uuid4(), side, side, Decimal(0)) for _ in range(3)]
    under_way = replace(ended, ended_at=None, statistics=None)
    for found, written in ((ended, Path("x.html")), (under_way, None)):
        yield heading, shadow.as_json(found, shadow_side_by_side(found, results), written)
    yield heading, {"environment": "staging", "shadow": None}
    yield heading, {"environment": "staging", "shadow": shadow.shadow_json(ended)}


def documented(heading: str) -> Node:
    """The shape that a section says, with the shapes that it links to."""
    top = Node()
    for path, types, meaning in sections()[heading]:
        node = top
        for key in path.replace("[]", ".[]").split("."):
            node = node.below.setdefault(key, Node())
        node.row, node.optional = (heading, path), "may be absent" in meaning
        for each in types.strip().split(" or "):
            if (link := re.fullmatch(r"\[.+\]\(#(.+)\)", each)) is not None:
                node.below |= documented(link[1].capitalize()).below
            else:
                node.types.add(each)
    return top


def differences(node: Node, value: Any, at: str, seen: set[tuple[str, str]]) -> Iterator[str]:
    """Where a value is not as the page says; notes which rows it had."""
    seen.add(node.row)
    if "any" in node.types:
        return
    allowed = node.types | ({"array" if "[]" in node.below else "object"} if node.below else set())
    kind = KINDS[type(value)]
    if not {kind, "number" if kind == "integer" else kind} & allowed:
        yield f"{at} is {kind}"
    elif isinstance(value, list):
        for each in value if "[]" in node.below else ():
            yield from differences(node.below["[]"], each, f"{at}[]", seen)
    elif isinstance(value, dict):
        yield from _of_object(node, value, at, seen)


def _of_object(
    node: Node, value: dict[str, Any], at: str, seen: set[tuple[str, str]]
) -> Iterator[str]:
    for key, each in value.items():
        if (child := node.below.get(key) or node.below.get("*")) is None:
            yield f"{at}.{key} is not documented"
        else:
            yield from differences(child, each, f"{at}.{key}", seen)
    for key, child in node.below.items():
        if key != "*" and key not in value and not _optional(child):
            yield f"{at}.{key} is not there"


def _optional(node: Node) -> bool:
    below = node.below.values()
    return node.optional or (bool(below) and all(_optional(each) for each in below))


@pytest.fixture(scope="module")
def seen() -> set[tuple[str, str]]:
    """The rows of the page that were printed."""
    return set()


def check(heading: str, answer: Any, seen: set[tuple[str, str]]) -> None:
    """One answer is as the page says; `format` comes first, once it is printed."""
    from app.terminal.console import _plain

    plain = json.loads(json.dumps(answer, default=_plain))
    plain.pop("format", None)
    assert list(differences(documented(heading), plain, "", seen)) == [], heading


RUN = "`navigator ingest`, `seed`, `retry`, `resume`, `status RUN`"
PLAN = "`navigator plan`, `ingest --dry-run`"


SOURCE = (
    "source", "add", "claims", "s3://claims/inbox", "--rights", "tag:owner", "--tag", "claims",
    "--exclude", "drafts/",
)  # fmt: skip


def printed(ended: Ended) -> Any:
    """What a command printed, which begins with its format."""
    assert next(iter(ended.json.items())) == ("format", 1), ended.out
    return ended.json


def test_commands_print_what_the_page_says(
    navigator: Navigator, first_ingest: Ended, seen: set[tuple[str, str]], tmp_path: Path
) -> None:
    """Each answer over the corpus has the documented keys, with fitting types, and no others."""
    (tmp_path / "gone.pdf").symlink_to(tmp_path / "nowhere")
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing")
    (tmp_path / "out").symlink_to(SAMPLES)
    (tmp_path / "left.xyz").write_text("no document")
    run = first_ingest.json["run_id"]
    for heading, *asked in (
        (RUN, "status", run),
        (PLAN, "plan", tmp_path, SAMPLES / "auto-policy.pdf"),
        ("`navigator status`", "status"),
        ("`navigator status DOCUMENT`", "status", "auto-policy.pdf"),
        ("`navigator status DOCUMENT`", "status", "disability-certificate-scanned.pdf"),
        ("`navigator source add`, `source run`", *SOURCE, "--option", "region=x", "--no-check"),
        ("`navigator source list`", "source", "list"),
        ("`navigator source pause`, `source resume`", "source", "pause", "claims"),
        ("`navigator status`", "status"),
        ("`navigator source remove`", "source", "remove", "claims", "--yes"),
        ("`navigator source add`, `source run`", *SOURCE[:3], tmp_path, "--exclude", "*.xyz"),
        ("`navigator source remove`", "source", "remove", "claims", "--yes"),
        ("`navigator list`", "list"),
        ("`navigator search`", "search", "theft"),
        ("`navigator page`", "page", "homeowners-policy.pdf", 4, "-o", tmp_path / "p.png"),
        ("`navigator report`", "report", "--run", "last", "-o", tmp_path / "report.html"),
        ("`navigator report verify`", "report", "verify", tmp_path / "report.html"),
        ("`navigator report verify`", "report", "verify", "--all"),
        ("`navigator report rotate-key`", "report", "rotate-key"),
        ("`navigator suites`", "suites"),
        ("`navigator costs`", "costs", "--by", "document"),
        ("`navigator suites export`", "suites", "export", tmp_path / "suites"),
        ("`navigator erase`", "erase", "--user", "nobody", "--yes"),
        ("`navigator retention set`", "retention", "set", "all", "--keep", "90y"),
        ("`navigator retention list`", "retention", "list"),
        ("`navigator retention apply`", "retention", "apply", "--dry-run"),
        ("`navigator retention remove`", "retention", "remove", "all"),
        ("`navigator hold place`", "hold", "place", "--tag", "claims", "--reason", "matter 17"),
        ("`navigator hold list`", "hold", "list"),
        ("`navigator evidence`", "evidence", "--out", tmp_path),
        ("`navigator index`", "index", "status"),
        ("`navigator chunking`", "chunking"),
        ("`navigator chunking use`", "chunking", "use", 300, "--dry-run"),
        ("`navigator reconcile`", "reconcile"),
        ("`navigator token`", "token", "--user", "anna"),
        ("`navigator chaos`", "chaos"),
        ("`navigator env list`", "env", "list"),
        ("`navigator env show`", "env", "show", "production"),
        ("`navigator env diff`", "env", "diff", "staging", "production"),
        ("`navigator env check`", "env", "check", "unknown"),
        ("Errors", "status", "nothing"),
        ("Errors", "list", "--limit", "0"),
    ):
        check(heading, printed(navigator.here(*asked, "--json")), seen)
    check(RUN, printed(first_ingest), seen)


def test_an_acknowledgment_is_as_the_page_says(
    navigator: Navigator, seen: set[tuple[str, str]]
) -> None:
    """It prints the ids of the documents."""
    try:
        done = navigator.here("acknowledge", "disability-certificate-scanned.pdf", "--json")
        check("`navigator acknowledge`", printed(done), seen)
    finally:
        with psycopg.connect(start_embedded(navigator.home / "postgres")) as connection:
            connection.execute("UPDATE upload_pipeline.upload_jobs SET acknowledged_at = NULL")


def test_alerts_are_as_the_page_says(navigator: Navigator, seen: set[tuple[str, str]]) -> None:
    """One that was told, acknowledged, then closed."""
    navigator.here("alerts", "close", "all")  # of the samples that failed
    with psycopg.connect(start_embedded(navigator.home / "postgres")) as connection:
        [(alert,)] = connection.execute(
            "WITH opened AS (INSERT INTO upload_pipeline.incidents (cause, title) VALUES "
            "('service:openai', 'openai does not work') RETURNING id) "
            "INSERT INTO upload_pipeline.alerts "
            "(kind, key, severity, title, evidence, incident_id) SELECT "
            "'circuit-open', 'openai', 'critical', 'It is away.', '{\"open_seconds\": 1}', id "
            "FROM opened RETURNING id::text"
        ).fetchall()
        connection.execute(
            "INSERT INTO upload_pipeline.alert_deliveries (alert_id, round, step, target, due_at) "
            "VALUES (%s, 1, 0, 'ops', now())", (alert,)
        )  # fmt: skip
    check("`navigator alerts`", printed(navigator.here("alerts", "list", "--json")), seen)
    known = navigator.here("alerts", "acknowledge", alert[:8], "--why", "on it", "--json")
    check("`navigator alerts acknowledge`", printed(known), seen)
    closed = printed(navigator.here("alerts", "close", "all", "--json"))
    check("`navigator alerts close`", closed, seen)
    assert closed["closed"] == 1
    listed = printed(navigator.here("incidents", "list", "--json"))
    check("`navigator incidents list`", listed, seen)
    name = listed["incidents"][0]["id"][:8]
    shown = printed(navigator.here("incidents", "show", name, "--json"))
    check("`navigator incidents show`", shown, seen)
    ended = navigator.here("incidents", "close", name, "--cause", "A key was revoked.", "--json")
    check("`navigator incidents close`", printed(ended), seen)
    page = printed(navigator.here("incidents", "report", name, "--json"))
    check("`navigator incidents report`", page, seen)
    assert "A key was revoked." in page["report"]
    assert navigator.here("alerts").out.strip().endswith("No alert is open.")


def test_the_log_lines_are_as_the_page_says(
    navigator: Navigator, seen: set[tuple[str, str]]
) -> None:
    """Each line has a time, a source and an event."""
    told = navigator.here("logs", "--document", "auto-policy.pdf", "--json").out.splitlines()
    assert told
    for line in told:
        check("`navigator logs`", json.loads(line), seen)


def test_an_empty_home_answers_too(tmp_path: Path, seen: set[tuple[str, str]]) -> None:
    """A reset names the folders that it removed; `down` says that nothing ran."""
    home = Navigator(tmp_path / "home")
    (home.home / "objects").mkdir(parents=True)
    check("`navigator down`", printed(home.here("down", "--json")), seen)
    gone = printed(home.here("reset", "--yes", "--json"))
    assert gone["removed"] == [str(home.home / "objects")]
    check("`navigator reset`", gone, seen)
    assert printed(home.here("reset", "--json"))["removed"] == []


def test_models_print_what_the_page_says(tmp_path: Path, seen: set[tuple[str, str]]) -> None:
    """Installing, listing, choosing and removing, with a variable that goes before the file."""
    home = Navigator(tmp_path / "home")
    made = cross_encoder_folder(tmp_path / "mine")
    installed = printed(home.here("models", "install", made, "--json"))
    model = {name: installed.pop(name) for name in [*installed] if name in SHAPE_OF_MODEL}
    check("Model", model, seen)
    check("`navigator models install`", installed, seen)
    check("`navigator models list`", printed(home.here("models", "list", "--json")), seen)
    used = home.here("models", "use", "mine", "--json", NAVIGATOR_RERANKER_FOLDER="/elsewhere")
    check("`navigator models use`", printed(used), seen)
    home.here("models", "use", "wordllama")
    (home.home / ".env").unlink()
    gone = home.here("models", "remove", "mine", "--json")
    check("`navigator models remove`", printed(gone), seen)


SHAPE_OF_MODEL = {path for path, _, _ in sections()["Model"]}
GAP = JobNote("page_not_read", True, "Page 2 was not read.", (2,), "Look there.")
NOTE = GAP.record()
LINE = DocumentView(
    uuid4(), uuid4(), None, None, "/a.pdf", "a.pdf", ["x"], "failed_parse", [NOTE], "en", False,
    1, 1, 2, 3, 4, Decimal(1), NOW, NOW, "code", "It failed.", "Mend it.",
)  # fmt: skip
REJECTED = RejectedFile("/b.pdf", "file_missing", "It is gone.", "Bring it back.")


def _page() -> PageView:
    """A page with a table and a note."""
    version = VersionView(
        uuid4(),
        uuid4(),
        uuid4(),
        "/a.pdf",
        "a.pdf",
        1,
        "complete",
        True,
        None,
        "0",
        "k",
        "k",
        1,
        "",
    )
    table = Table(0, 1, ("Limit",), (("$1",),))
    read = ParsedPage(1, "text", tables=(table,), furniture=("Page 1",))
    note = Note(NoteKind.PICTURE_NOT_READ, "A picture was not read.", (1,))
    return PageView(version, read, 1, True, (note,), [], False)


def _backfill_plan() -> BackfillPlan:
    """A plan with a document that would fail."""
    error = ParseError(ParseCode.ENCRYPTED, "It is protected.")
    failing = PlannedDocument("/a.pdf", "a.pdf", Registered.WAITING, error=error)
    return BackfillPlan((Share(Work.RETRY, 1),), {"local": 1}, {"none": 1}, (failing,), 1)


def _backfill() -> Backfill:
    """A backfill with every filter."""
    choice = BackfillChoice(source="/a", tags=["x"], states=["failed"])
    options = BackfillOrder("failed", choice, None, 1.5, 3).record()
    return Backfill(
        uuid4(), uuid4(), options, Decimal(1), Decimal(0), NOW, None, True, True, False,
        1, 0, 0, 1, "A person paused it.",
    )  # fmt: skip


def _watched() -> Iterator[Outlook]:
    """With everything there may be in it, and of an installation without any history."""
    disk, jobs = falling(1e9, 1e9), failures(measure=Measure.QUARANTINED, subject="all")
    jobs.hits[-6:] = 20
    around = Surroundings(workers=0)
    for limits in (Limits({"openai": 1.0}, 1.0, 0.5), Limits({}, None, 0.0)):
        found = outlook(END, [disk, jobs, latency(days=3)], limits, around)
        yield replace(found, read_off={("queue_age", "all"): 1.0})


def made() -> Iterator[tuple[str, Any]]:
    """What the functions of the commands make of real values, for those that are not run."""
    worked = RunDocument(
        "/a.pdf", "a.pdf", uuid4(), uuid4(), "new", "failed_parse", 1, 2, 3, 4, Decimal(1), 0.5,
        [NOTE], "code", "It failed.", None,
    )  # fmt: skip
    report = RunReport(
        uuid4(), [worked], [REJECTED], [REJECTED], [REJECTED], 1, 1, Decimal(1), "A cap.", 2.0
    )
    yield RUN, run_report.as_json(report, {".xyz": 1})
    runs = [RunRecord(uuid4(), "ingest", NOW, None, 1.0, 1, 0, Decimal(1), "A cap.")]
    corpus = CorpusSummary({"complete": 1}, 1, 1, {"local": 1}, 1, Decimal(1))
    stopped = [StoppedRun(uuid4(), 1, "A cap.")]
    source = SourceDefinition(
        "s3://claims/inbox", uuid4(), uuid4(), "claims", credentials="env:KEYS",
        interval_seconds=900, last=LastReading(uuid4(), NOW, {"listed": 1}, "It failed."),
    )  # fmt: skip
    yield "`navigator source list`", {"sources": [source.as_json()]}
    overview = status.Overview(
        corpus, StorageUse(1, 0), runs, stopped, [LINE], "nothing", [source], ["prefect"],
        Standing(ChunkSizes(400, 50), False, PublishedChunks(1, 2, 3), Decimal(1)),
    )  # fmt: skip
    yield "`navigator status`", status.overview_json(overview)
    kept = KeptParts(("warm",), ("prefect",))
    yield "`navigator down`", down.as_json(Path("/home"), kept, stopped=False)
    told = DocumentHistory(LINE, [], [], ["Too short."], ["Rather short."])
    yield "`navigator status DOCUMENT`", history_json(told)
    yield "`navigator page`", page.page_json(_page())
    passage = Passage(
        1.0, uuid4(), "/a.pdf", "a.pdf", 1, 2, ["Vacancy"], "text", uuid4(), None, None, 1, "",
        "other", (GAP,), citation=_citation(), copies=(_copy(),), copy_count=1,
        companions=(COMPANION,), companions_left_out=1,
    )  # fmt: skip
    near = [NearWord("polcy", "policy", ("polici",))]
    answer = SearchAnswer([passage], 1, 0, near)
    yield "`navigator search`", search.as_json(SearchRequest("x"), answer)
    yield (
        "`navigator delete`",
        delete.deleted_json(Deleted(frozenset({uuid4()}), 1, frozenset({uuid4()}))),
    )
    yield "`navigator hold lift`", {"lifted": str(uuid4())}
    part = diagnosis.Finding("Python", diagnosis.Verdict.OK, "3.12")
    yield "`navigator doctor`", doctor.as_json(doctor.Examination([part], [part]), None)
    kind = next(iter(Kind))
    finding = Finding(kind, "an id", person=True)
    look = MaintenanceRun(uuid4(), NOW, NOW, False, {kind: Tally(1, 0, 1)}, {"x": "y"}, [finding])
    words, space = WordFigures(1, 2, 3, 4, 5), SpaceFigures(uuid4(), "m", 4, 1, *[None] * 6)
    measured = replace(
        space, bytes=1, narrower=True, recall=1.0, worst=0.9, questions=20, measured_at=NOW
    )
    yield "`navigator index`", index.as_json(words, [space, measured])
    for watched in _watched():
        yield "`navigator watch`", watch.watch_json(watched)
    spent = [Spending("2026-05-04", "", 3, 0, 40, Decimal("0.1"))]
    for month in (None, Month(1.0, None, None), Month(1.0, 2.0, 3.0)):
        days = (date(2026, 5, 4), date(2026, 5, 5))
        cap = MonthSpending(None if month is None else Decimal(5), Decimal("0.1"), Decimal(0))
        money = costs.Costs(By.DAY, *days, spent, Decimal("0.1"), month, cap)
        yield "`navigator costs`", costs.costs_json(money)
    yield "`navigator reconcile`", reconcile.looked_json(MaintenanceOutcome(look, 1, {}))
    differs = Difference(Area.QUEUE, "batches", "limit", None, "1", "m", "w", Repair.SAFE)
    extra = AcceptedDrift(what="queue x", reason="y")
    local = load_environment("local").model_copy(update={"accepted": (extra,)})
    yield "`navigator drift`", drift.drift_json(local, [differs, replace(differs, declared="2")])
    for prefect in (None, ("http://127.0.0.1:4200", "admin:x")):
        yield "`navigator dashboard`", dashboard.as_json("http://127.0.0.1/#token=x", prefect)
    yield "`navigator check`", smoke_test_report.as_json([Step("Database", "ok", 1.0)])
    yield "`navigator backup`, `restore`", asdict(Saved(Path("x.backup"), 1, 2, 3, 0, 4))
    yield "`navigator review list`", review.list_json([_waiting()])
    yield "`navigator review accept`", review.decision_json(_reviewed(worked))
    yield "`navigator review accept`", review.decision_json(_reviewed())
    yield "`navigator backfill --dry-run`", backfills.plan_json(_backfill_plan())
    yield "`navigator backfill list`", {"backfills": [backfills.backfill_json(_backfill())]}
    handed = {"run_id": uuid4(), "flow_run_id": uuid4()}
    yield "`navigator backfill --deployed`", handed
    paused = {"run_id": uuid4(), "stopped": 1, "alive": True}
    yield "`navigator backfill pause`", paused
    yield from _releases()
    yield from made_spaces()
    yield from _shadows()
    recorded = made_baseline()
    yield "`navigator baseline record`", baseline.as_json(recorded, Path("x.json"))
    findings = tuple(compare_settings({"chunk_tokens": 400}, {"chunk_tokens": 300}))
    held = Verification("staging", None, "local", NOW, NOW, 61.0, 0.01, findings)
    yield "`navigator verify`", verify.as_json(held, None)
    yield "`navigator verify`", verify.as_json(replace(held, release="r7"), Path("x.html"))
    pairs = side_by_side(("a", "b"), recorded, made_baseline(settings={"chunk_tokens": 300}))
    yield "`navigator compare`", compare.as_json(pairs, None)
    verdict = Verdict(1, 0, 0, 800, [Breach("nothing is lost", "a passage is not published")])
    outcome = Outcome("kills", 7, "3 documents", {"kills": 2}, verdict, [1.0], 9.0, {"x": 1})
    loads = [step(times, errors=1, left={"documents": 1}) for times in (1, 5, 10)]
    yield "`navigator load`", load_report.as_json(loads, forecast(loads, 100))
    yield "`navigator load`", load_report.as_json([step(latency=0.1)], None)
    yield "`navigator chaos NAME`", experiment_report.as_json(outcome)


def _citation() -> Citation:
    table = TableRows(1, "Costs", ("Service",), (("Visit",),), 0)
    return Citation(
        uuid4(), "a.pdf", "/a.pdf", 1, uuid4(), "hash", "application/pdf", "en", "CG 00 01",
        "04 13", "2013-04-01", "2026-01-01", "2026-01-01", uuid4(), 1, 2, 3, 4,
        (PageBox(1, 1.0, 2.0, 3.0, 4.0),), 0, 4, ("Vacancy",), "other", (table,), (Span(0, 4),),
        "/api/v1/documents/x/original", "/#page=x/1",
    )  # fmt: skip


def _copy() -> Copy:
    return Copy(
        uuid4(), "b.pdf", "/b.pdf", uuid4(), 1, 2, 1, "04 13", "2013-04-01", "2026-01-01", True
    )


def _waiting() -> ReviewItem:
    finding = {"suite": "fidelity", "rule": "gaps", "title": "Gaps", "severity": "critical",
               "sentence": "a page was not read", "failed": 1, "examples": ["page 2"]}  # fmt: skip
    now = datetime.now(UTC)
    return ReviewItem(
        uuid4(), uuid4(), uuid4(), "a.pdf", "quarantined", 1, "0" * 64, True, [finding], now, now
    )


def _reviewed(*documents: RunDocument) -> reviews.Outcome:
    decision = ReviewDecision(
        uuid4(), uuid4(), uuid4(), uuid4(), "0" * 64, "accept", "Compared.", "anna", [], None,
        datetime.now(UTC),
    )  # fmt: skip
    made = Reviewed(decision, uuid4())
    if not documents:
        return reviews.Outcome(made, None)
    report = RunReport(uuid4(), documents, (), (), (), 0, 0, Decimal(0), None, 1.0)
    return reviews.Outcome(made, report)


@pytest.mark.parametrize(
    ("heading", "answer"), list(made()), ids=lambda each: each if isinstance(each, str) else "made"
)
def test_answers_of_long_commands_are_as_the_page_says(
    heading: str, answer: Any, seen: set[tuple[str, str]]
) -> None:
    """What is made for a program of real values has the documented keys and types."""
    check(heading, answer, seen)


def callbacks(module: ModuleType) -> list[Callable[..., Any]]:
    """The functions of a command, or of each command of a group."""
    if (group := getattr(module, "group", None)) is None:
        return [module.command]
    return [each.callback for each in group.registered_commands]


def test_every_command_that_ends_has_json() -> None:
    """All but those that run until they are stopped take --json, and stand on the page."""
    for name in COMMANDS.keys() - UNTIL_STOPPED:
        for command in callbacks(import_module(f"app.cli.{name}")):
            assert "json" in inspect.signature(command).parameters, f"{name} {command}"
        assert any(re.search(rf"`(navigator )?{name}\b", each) for each in sections()), name


def test_every_row_of_the_page_was_printed(seen: set[tuple[str, str]]) -> None:
    """No row tells of a key that no test above printed, unless it may be absent."""
    rows = {
        (heading, path)
        for heading, rows in sections().items()
        for path, _, meaning in rows
        if "may be absent" not in meaning
    }
    assert rows - seen == set()


def test_the_check_finds_what_differs() -> None:
    """A key too many, one too few and a wrong type are each found."""
    shape, seen = documented("`navigator down`"), set[tuple[str, str]]()
    told = {"stopped": "yes", "more": 1, "in_use": []}
    found = list(differences(shape, told, "", seen))
    assert found == [".stopped is string", ".more is not documented", ".home is not there"]
