"""Groups alerts by their cause: what one cause brings about is one incident.

A kind of alert has an area in which its cause lies. Some kinds are consequences: documents fail
because a provider does not answer, a queue grows because nobody works. Such an alert joins an
incident of a cause that may have brought it about, when one is open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SERVICE, WORKERS, RELEASE, CORPUS, SEARCH, MONEY, DISK = (
    "service", "workers", "release", "corpus", "search", "money", "disk",
)  # fmt: skip

# Of a service each has a cause of its own: its name is the alert's key, or how that begins.
_AREAS: Mapping[str, str] = {
    "circuit-open": SERVICE,
    "latency-degraded": SERVICE,
    "success-degraded": SERVICE,
    "no-worker": WORKERS,
    "run-late": WORKERS,
    "run-crashed": WORKERS,
    "flow-silent": WORKERS,
    "queue-stalled": WORKERS,
    "backlog-stays": WORKERS,
    "service-restarted": WORKERS,
    "work-requeued": WORKERS,
    "not-verified": RELEASE,
    "setting-refused": RELEASE,
    "release-taken-back": RELEASE,
    "drift-found": RELEASE,
    "quality-low": CORPUS,
    "quality-degraded": CORPUS,
    "documents-failed": CORPUS,
    "person-needed": CORPUS,
    "golden-questions-fell": SEARCH,
    "recall-degraded": SEARCH,
    "budget-reached": MONEY,
    "cost-risen": MONEY,
    "token-budget-binds": MONEY,
    "spend-passes-budget": MONEY,
    "disk-fills": DISK,
}
_CONSEQUENCES: Mapping[str, frozenset[str]] = {
    SERVICE: frozenset(
        {"run-failed", "run-stopped", "documents-failed", "queue-stalled", "backlog-stays",
         "quality-low", "quality-degraded", "cost-risen", "source-not-read"}
    ),
    WORKERS: frozenset({"queue-stalled", "backlog-stays", "flow-silent", "run-late"}),
    RELEASE: frozenset(
        {"run-failed", "run-crashed", "documents-failed", "quality-low", "quality-degraded",
         "latency-degraded", "success-degraded", "golden-questions-fell", "recall-degraded"}
    ),
    MONEY: frozenset({"run-stopped"}),
    DISK: frozenset({"run-failed", "run-crashed", "documents-failed", "success-degraded"}),
}  # fmt: skip
_TITLES: Mapping[str, str] = {
    WORKERS: "Runs are not worked on as they should be",
    RELEASE: "The environment is not as it was verified",
    CORPUS: "Documents are not taken in as they should be",
    SEARCH: "Searches find less than they did",
    MONEY: "Money runs out sooner than planned",
    DISK: "A disk fills",
}


@dataclass(frozen=True, slots=True)
class Cause:
    """What an alert belongs to.

    Attributes:
        name: of its own cause: its area, with the service where it is one.
        areas: whose open incidents it joins before one of its own is opened; the likeliest first.
    """

    name: str
    areas: tuple[str, ...]

    @property
    def title(self) -> str:
        """What an incident of this cause is called."""
        area, _, of_what = self.name.partition(":")
        if area == SERVICE:
            return f"{of_what} does not work as it should"
        return _TITLES.get(area) or area.replace("-", " ").capitalize()


def cause_of(kind: str, key: str) -> Cause:
    """The cause of an alert, and the areas of causes that may have brought it about."""
    areas = tuple(area for area, brought in _CONSEQUENCES.items() if kind in brought)
    own = _AREAS.get(kind, kind)
    return Cause(f"{own}:{key.partition('/')[0]}" if own == SERVICE else own, areas)


def area_of(name: str) -> str:
    """The area of a cause's name."""
    return name.partition(":")[0]
