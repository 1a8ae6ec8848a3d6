"""Kills the command at every failpoint; the next run has to finish its documents."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.chaos.command_process import KILLED
from app.chaos.experiment_report import Outcome
from app.chaos.experiments import END_SECONDS, Plan, Trial, trial
from app.chaos.generated_documents import write_letter, write_policies
from app.chaos.installations import DISTURBED, Installation, user
from pipeline.failpoints import DELETION_FAILPOINTS, FAILPOINTS


def run(plan: Plan, place: Installation) -> Outcome:
    """Kill once at each failpoint, those of a deletion last."""
    each = max(1, plan.documents // len(FAILPOINTS) - 3)
    for number, name in enumerate(FAILPOINTS):
        folder = place.documents / name
        write_policies(folder, each, plan.seed, first=number * each)
        write_letter(folder / "letter.eml", plan.seed + number)
    with trial(plan, place) as under_way:
        for name in FAILPOINTS:
            _strike(under_way, name, "ingest", place.documents / name, "--json")
        verdict = under_way.verdict(len(FAILPOINTS))
        for name, where in zip(DELETION_FAILPOINTS, FAILPOINTS, strict=False):
            document = place.documents / where / "letter.eml"
            # A deletion that had been committed leaves nothing that could be named again.
            fine = (0, 2)
            _strike(under_way, name, "delete", document, "--yes", "--json", fine=fine)
            _require_gone(under_way, document)
        verdict.breaches[:] = [*under_way.breaches, *verdict.breaches]
        kills = len(under_way.struck)
        return under_way.outcome("failpoints", {"kills": kills}, verdict)


def _strike(under_way: Trial, failpoint: str, *command: object, fine: Sequence[int] = (0,)) -> None:
    """Run a command that dies at the failpoint, then one that does not."""
    dying = under_way.place.start(*command, NAVIGATOR_FAILPOINT=failpoint)
    code = dying.wait(END_SECONDS)
    if code != KILLED:
        under_way.broken("it dies at its failpoint", f"{failpoint}: exit code {code}")
    under_way.struck.append(under_way.watch.clock())
    again = under_way.place.start(*command)
    if (code := again.wait(END_SECONDS)) not in fine:
        under_way.broken("the next run finishes", f"{failpoint}: exit code {code}: {again.why()}")


def _require_gone(under_way: Trial, document: Path) -> None:
    found = under_way.watch.corpus(user(DISTURBED))
    # What was attached to it goes with it.
    left = {each.source for each in found.standings} | {each.source for each in found.passages}
    if any(source.startswith(str(document)) for source in left):
        under_way.broken("what is deleted is gone", document.parent.name)
