"""One inspection: what every check is given, and what becomes of its findings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from pipeline.errors import NavigatorError
from pipeline.finding_kinds import FACTS, Kind, Mending
from pipeline.findings import Finding, Tally
from pipeline.logs import logger
from pipeline.store.transitions import Actor
from stages.services import Services

_LOG = logger("navigator.maintenance")

KEPT_OF_A_KIND = 100
"""So many findings of a kind are kept with their ids; the others are counted."""


@dataclass(frozen=True)
class Inspection:
    """What a maintenance check works with.

    Attributes:
        fix: mend what is safe. also: kinds that a person asked to have mended too.
        by_person: a person looks, who may read the files that documents were made of, and have set
            back what somebody set by hand.
        was_cancelled: asks Prefect whether a person cancelled a flow run, where there is one.
    """

    services: Services
    fix: bool = False
    also: frozenset[Kind] = frozenset()
    by_person: bool = False
    was_cancelled: Callable[[UUID], Awaitable[bool]] | None = None

    def mends(self, kind: Kind) -> bool:
        """Whether findings of the kind are to be mended."""
        mending = self._mending(kind)
        return self.fix and (mending is Mending.SAFE or (mending.asks and kind in self.also))

    def finding(
        self,
        kind: Kind,
        subject: object,
        *,
        number: int = 1,
        detail: str = "",
        mended: bool = False,
        person: bool | None = None,
    ) -> Finding:
        """A finding; a person has to act on it where the kind says so, unless `person` does."""
        if person is None:
            person = self._mending(kind) in (Mending.PAID, Mending.ASKED, Mending.PERSON)
        return Finding(kind, str(subject), number, detail, mended, person)

    def _mending(self, kind: Kind) -> Mending:
        mending = FACTS[kind].mending
        return Mending.SAFE if mending is Mending.PAID and self.is_free else mending

    async def mended(
        self,
        kind: Kind,
        page: Sequence[object],
        mend: Callable[..., Awaitable[object]],
    ) -> bool:
        """Mend a page of damage in one transaction, if its kind is to be mended; whether it was.

        Args:
            mend: a function of the store; it gets the connection and the page.
        """
        if not self.mends(kind):
            return False
        async with self.services.database.service() as connection:
            await mend(connection, page)
        return True

    @property
    def is_free(self) -> bool:
        """Whether making something again costs nothing: both parser and embedder are local."""
        services = self.services
        return services.remote_parser is None and not services.embedder.price_per_million_tokens

    @property
    def actor(self) -> Actor:
        """Who mends, for the audit."""
        return Actor("system")


Check = Callable[[Inspection], AsyncIterator[Finding]]
"""Looks for damage of a few kinds, mends as the look says, and tells what it found."""


@dataclass
class Outcome:
    """What was found. Its memory is bounded, whatever there is.

    Attributes:
        unlooked: names of the checks that could not be made, with the reason in a sentence.
    """

    tallies: dict[Kind, Tally] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    unlooked: dict[str, str] = field(default_factory=dict)

    def add(self, finding: Finding) -> None:
        """Count a finding, and keep it while there are few of its kind."""
        before = self.tallies.get(finding.kind, Tally())
        if before.found < KEPT_OF_A_KIND:
            self.findings.append(finding)
        self.tallies[finding.kind] = before.with_(finding)

    @property
    def left(self) -> int:
        """Findings that were not mended, and that do not end by themselves."""
        return sum(
            tally.found - tally.mended
            for kind, tally in self.tallies.items()
            if FACTS[kind].mending is not Mending.NOBODY
        )

    @property
    def person(self) -> int:
        """Findings that wait for a person."""
        return sum(tally.person for tally in self.tallies.values())


async def reconcile(look: Inspection, checks: dict[str, Check]) -> Outcome:
    """Run every check; one that fails does not keep the others from running."""
    outcome = Outcome()
    for name, check in checks.items():
        try:
            async for finding in check(look):
                outcome.add(finding)
        except NavigatorError as error:
            outcome.unlooked[name] = error.message
            _LOG.warning("maintenance_check_failed", check=name, code=error.code)
    _LOG.info(
        "maintenance_finished",
        fix=look.fix,
        left=outcome.left,
        **{kind.value: tally.found for kind, tally in outcome.tallies.items()},
    )
    return outcome
