"""`python -m benchmarks.reliability.incidents`: what the machine answers by itself, and how soon.

Each incident of `simulated_incidents` happens to a running `navigator up`. The ledger of alerts,
the receivers, the answers and the documents are followed until everything is well; then the clock
of the ledger is moved on by the quiet quarter of an hour, and the incident's own record says who
ended it. Takes about three quarters of an hour; results go to `benchmarks/results/`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.stack.status_file import running_stack
from benchmarks.reliability.incident_place import Place, place
from benchmarks.reliability.simulated_incidents import INCIDENTS, SimulatedIncident

RESULTS = Path(__file__).parents[1] / "results"
PATIENCE_SECONDS = 300.0
_LOOK_SECONDS = 0.5
_NEXT_DOCUMENT_SECONDS = 20.0
_PASSED = ("service-restarted", "work-requeued")
"""Alerts that are closed when some minutes have passed since the answer: these are passed over."""
_MOVES = (
    "UPDATE alerts SET opened_at = opened_at - i, seen_at = seen_at - i, told_at = told_at - i, "
    "closed_at = closed_at - i FROM (SELECT interval '16 minutes' AS i) AS by_",
    "UPDATE incidents SET opened_at = opened_at - interval '16 minutes' WHERE closed_at IS NULL",
    "UPDATE machine_answers SET at = at - interval '16 minutes', "
    "seen_at = seen_at - interval '16 minutes'",
    "UPDATE alert_deliveries SET sent_at = sent_at - interval '16 minutes'",
)


@dataclass
class Told:
    """What became of one incident; seconds count from when it happened.

    Attributes:
        detected: until the first alert or answer was written down; None: it was borne, and neither
            was needed.
        told: until a message reached somebody's receiver. first: which.
        well: until every document was published and every service healthy; None: never.
        ended_by: as the incidents' records say; empty where no alert was raised.
        by_person: whether a person had to do something.
        lost: documents that were accepted and are not published, beyond those that cannot be.
        repeated: tokens that the embedder billed again.
    """

    name: str
    what: str
    detected: float | None = None
    told: float | None = None
    first: str = ""
    alerts: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    well: float | None = None
    ended_by: str = ""
    by_person: bool = False
    lost: int = 0
    repeated: int = 0
    expected: str = ""
    why_person: str = ""

    @property
    def by_itself(self) -> bool:
        """Whether it ended well and no person did anything."""
        return self.well is not None and not self.by_person and self.ended_by in ("", "itself")


def simulate(here: Place, each: SimulatedIncident, patience: float = PATIENCE_SECONDS) -> Told:
    """Have one incident happen, and follow it until everything is well."""
    found = Told(each.name, each.what, expected=each.answer, why_person=each.why_person)
    here.running.until_healthy()
    repeated, messages = here.repeated_tokens(), len(here.receivers.told)
    [now] = here.rows("SELECT clock_timestamp() AS at")
    each.inject(here, each.name)
    struck, began = time.time(), now["at"]
    asked = struck
    sound = each.lasts is None and each.person is None
    while time.time() - struck < patience:
        alerts = here.rows(
            "SELECT kind, opened_at, closed_at FROM alerts WHERE opened_at >= %(at)s "
            "ORDER BY opened_at", {"at": began},
        )  # fmt: skip
        answers = here.rows(
            "SELECT answer, said, seen_at FROM machine_answers WHERE seen_at >= %(at)s "
            "ORDER BY at", {"at": began},
        )  # fmt: skip
        _note(found, here, struck, alerts, answers, messages)
        after = time.time() - struck
        if not sound and each.lasts is not None and after > each.lasts and (
            found.told is not None or not each.until_told or after > 120
        ):  # fmt: skip
            here.faults()
            here.upload(each.name, 1)  # documents keep coming: the next asks the provider again
            sound = True
        if each.person is not None and not found.by_person and found.told is not None:
            each.person(here, each.name)
            found.by_person = sound = True
        healthy = sound and _healthy(here) and here.unpublished(each.name) <= each.unpublished
        if healthy and _answered(each, found):
            found.well = found.well or round(time.time() - struck, 1)
            if all(a["closed_at"] for a in alerts if a["kind"] not in _PASSED):
                break
            if time.time() - asked > _NEXT_DOCUMENT_SECONDS:
                here.upload(each.name, 1)  # documents keep coming: a circuit closes when asked
                asked = time.time()
        time.sleep(_LOOK_SECONDS)
    here.faults()
    found.lost = max(0, here.unpublished(each.name) - each.unpublished)
    found.repeated = max(0, here.repeated_tokens() - repeated) if each.name != (
        "providers-killed") else 0  # fmt: skip
    found.ended_by = _ended(here, began)
    return found


def _note(
    found: Told, here: Place, struck: float, alerts: Any, answers: Any, messages: int
) -> None:
    first = min(
        [a["opened_at"].timestamp() for a in alerts] + [a["seen_at"].timestamp() for a in answers],
        default=None,
    )
    if first is not None and found.detected is None:
        found.detected = round(max(0.0, first - struck), 1)
    if found.told is None and len(here.receivers.told) > messages:
        at, found.first = here.receivers.told[messages]
        found.told = round(max(0.0, at - struck), 1)
    found.alerts = [a["kind"] for a in alerts]
    found.answers = list(dict.fromkeys(a["answer"] for a in answers))


def _answered(each: SimulatedIncident, found: Told) -> bool:
    """Whether an answer that is written down has been, where one is expected."""
    kept = ("restart", "requeue", "fall back", "raise a limit", "reindex")
    return each.answer not in kept or each.answer in found.answers


def _healthy(here: Place) -> bool:
    state = running_stack(here.home)
    return state is not None and all(
        each.state in ("healthy", "done") for each in state.services.values()
    )


def _ended(here: Place, began: datetime) -> str:
    """Move the ledger's clock on, and read who ended the incidents."""
    ids = [each["id"] for each in here.rows(
        "SELECT DISTINCT incident_id AS id FROM alerts WHERE opened_at >= %(at)s", {"at": began}
    )]  # fmt: skip
    for move in _MOVES:
        here.rows(move)
    deadline, ended = time.monotonic() + 90, []
    while ids and time.monotonic() < deadline:
        ended = here.rows(
            "SELECT closed_by FROM incidents WHERE id = ANY(%(ids)s) AND closed_at IS NOT NULL",
            {"ids": ids},
        )
        if len(ended) == len(ids):
            # what is closed only now was closed after the move
            break
        for move in _MOVES:
            here.rows(move)
        time.sleep(5)
    if len(ended) < len(ids):
        return "nobody yet"
    return ", ".join(sorted({each["closed_by"] for each in ended}))


def markdown(found: list[Told]) -> str:
    """The table of what happened, and the share that ended without a person."""
    head = ("incident", "detected", "told first", "answered by machine", "without a person",
            "well again", "lost", "billed again")  # fmt: skip
    rows = [head, tuple("---" for _ in head), *map(_row, found)]
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    whole, alone = len(found), sum(each.by_itself for each in found)
    raised = [each for each in found if each.detected is not None]
    seen = sum(each.by_itself for each in raised)
    return (
        f"{table}\n\n{alone} of {whole} ({alone / max(whole, 1):.0%}) ended without a person; of "
        f"the {len(raised)} that were written down {seen} ({seen / max(len(raised), 1):.0%}).\n"
    )


def _row(each: Told) -> tuple[str, ...]:
    return (
        each.what, _seconds(each.detected, "borne"),
        f"{_seconds(each.told, '–')} {each.first}".strip(),
        ", ".join(each.answers) or each.expected or "–",
        "yes" if each.by_itself else f"no: {each.why_person or 'it was to'}",
        _seconds(each.well, "never"), str(each.lost), str(each.repeated),
    )  # fmt: skip


def _seconds(value: float | None, otherwise: str) -> str:
    return otherwise if value is None else f"{value:.0f} s"


def main() -> None:
    """Simulate, print the table, keep the JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reliability.incidents")
    names = [each.name for each in INCIDENTS]
    parser.add_argument("--only", choices=names, action="append", help="just this one")
    parser.add_argument("--patience", type=float, default=PATIENCE_SECONDS, help="for each, s")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    scratch = Path(tempfile.mkdtemp(prefix="nav-inc-"))
    scratch.chmod(0o755)
    found: list[Told] = []
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"incidents-{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.json"
    try:
        with place(scratch) as here:
            for each in INCIDENTS:
                if options.only and each.name not in options.only:
                    continue
                found.append(simulate(here, each, options.patience))
                print(f"{time.strftime('%H:%M:%S')} {found[-1]}", file=sys.stderr, flush=True)
                path.write_text(json.dumps([asdict(one) for one in found], indent=1))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        table = markdown(found)
        path.with_suffix(".md").write_text(table)
        print(table)


if __name__ == "__main__":
    main()
