"""Runs many workers at once over the same documents: one parse job and one version each."""

from __future__ import annotations

from app.chaos.experiment_report import Outcome
from app.chaos.experiments import END_SECONDS, Plan, Trial, trial
from app.chaos.generated_documents import write_policies
from app.chaos.installations import DISTURBED, Installation, user

SUBMISSIONS = 4
"""How many of the workers take the same documents in."""

SETTINGS = {"NAVIGATOR_PARSER": "llamaparse"}


def run(plan: Plan, place: Installation) -> Outcome:
    """Let `plan.faults` workers take the documents in at the same time."""
    each = plan.documents // _parts(plan)
    for part in range(_parts(plan)):
        write_policies(place.documents / f"part-{part}", each, plan.seed, first=part * each)
    with trial(plan, place) as under_way:
        _race(under_way)
        verdict = under_way.verdict(0)
        return under_way.outcome(
            "workers",
            {"workers": plan.faults, "submissions": _submissions(under_way)},
            verdict,
            parse_jobs=place.llamaparse.stats()["jobs"],
        )


def _race(under_way: Trial) -> None:
    place, parts = under_way.place, _parts(under_way.plan)
    under_way.struck.append(under_way.watch.clock())
    racing = [
        place.start("ingest", place.documents / f"part-{number % parts}", "--json")
        for number in range(under_way.plan.faults)
    ]
    for command in racing:
        if (code := command.wait(END_SECONDS)) != 0:
            under_way.broken("each ends well", f"exit code {code}: {command.why()}")
    parsed = place.llamaparse.stats()
    if parsed["repeated_jobs"] or parsed["jobs"] != len(under_way.clean.standings):
        what = f"{parsed['jobs']} parse jobs for {len(under_way.clean.standings)} documents"
        under_way.broken("one parse job each", what)


def _submissions(under_way: Trial) -> int:
    found = under_way.watch.corpus(user(DISTURBED)).standings
    return sum(each.submissions for each in found)


def _parts(plan: Plan) -> int:
    return max(1, plan.faults // SUBMISSIONS)
