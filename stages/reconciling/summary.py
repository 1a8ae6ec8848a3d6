"""Summarizes findings in one line, and on a page for Prefect; ids only, no name."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.finding_kinds import FACTS, Kind
from pipeline.findings import Finding, Tally
from pipeline.store.findings import MaintenanceRun


def in_short(run: MaintenanceRun) -> str:
    """Summarize in one sentence: how much was found, repaired, and left to a person."""
    found = sum(tally.found for tally in run.tallies.values())
    mended = sum(tally.mended for tally in run.tallies.values())
    not_made = f" {len(run.unlooked)} checks could not be made." if run.unlooked else ""
    if not found:
        return "Nothing is wrong." if not run.unlooked else f"Nothing was found.{not_made}"
    found_words = "1 finding" if found == 1 else f"{found} findings"
    needs = "needs" if run.person == 1 else "need"
    return f"{found_words}, {mended} mended, {run.person} {needs} a person.{not_made}"


def outcome_of(tally: Tally) -> str:
    """What became of the findings of a kind, in a few words."""
    left = tally.found - tally.mended
    parts = [f"{tally.mended} mended"] if tally.mended else []
    if tally.person:
        parts.append(f"{tally.person} for a person")
    if left - tally.person:
        parts.append(f"{left - tally.person} left")
    return ", ".join(parts)


def as_markdown(run: MaintenanceRun) -> str:
    """Render the inspection as a page: a table of kinds, then each kind with its ids."""
    return "\n".join(_lines(run)) + "\n"


def _lines(run: MaintenanceRun) -> Iterator[str]:
    yield f"# Maintenance\n\n{in_short(run)} {'It mended what is safe.' if run.fix else 'Dry.'}\n"
    if run.tallies:
        yield "| What | Found | Mended | For a person |\n|---|---:|---:|---:|"
        for kind, tally in run.tallies.items():
            yield f"| {FACTS[kind].title} | {tally.found} | {tally.mended} | {tally.person} |"
    for name, why in run.unlooked.items():
        yield f"\nNot looked at: {name}. {why}"
    for kind, tally in run.tallies.items():
        yield from _kind(kind, tally, [each for each in run.findings if each.kind is kind])


def _kind(kind: Kind, tally: Tally, findings: list[Finding]) -> Iterator[str]:
    facts = FACTS[kind]
    yield f"\n## {facts.title[0].upper()}{facts.title[1:]}\n\n{facts.why}"
    if tally.mended and facts.mended:
        yield f"\nMended ({tally.mended}): {facts.mended}"
    if tally.person and facts.remedy:
        yield f"\n**A person must decide ({tally.person}):** {facts.remedy}"
    yield ""
    for each in findings:
        state = "mended" if each.mended else "for a person" if each.decision else "left"
        detail = f" ({each.detail})" if each.detail else ""
        yield f"- `{each.subject}`{detail}: {state}"
    if tally.found > len(findings):
        yield f"- and {tally.found - len(findings)} more"
