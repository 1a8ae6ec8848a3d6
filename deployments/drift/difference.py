"""One difference between what is declared and what is, and what is to be said of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Area(StrEnum):
    """Of which part of an environment a difference is."""

    DEPLOYMENT = "deployment"
    WORK_POOL = "work pool"
    QUEUE = "queue"
    LIMIT = "limit"
    AUTOMATION = "automation"
    BLOCK_TYPE = "block type"
    BLOCK = "block"
    DATABASE = "database"
    PROCESS = "process"


class Repair(StrEnum):
    """Who may set back what differs.

    SAFE: `--fix` does, and maintenance by itself. BY_HAND: `--fix` of a person does; it may have
    been set on purpose. TOLD: nobody but a person, who is told how.
    """

    SAFE = "safe"
    BY_HAND = "by hand"
    TOLD = "told"


def named(area: Area, subject: str, field: str = "") -> str:
    """The name of a difference, by which an environment's file accepts it."""
    what = f"{area.value} {subject}"
    return f"{what}: {field}" if field else what


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not as declared.

    Attributes:
        subject: the object, by its name: `sweep`, `policy documents.reader`, `api on host-1`.
        field: of the object; empty when it is missing or extra itself.
        declared, found: what it should be and what it is; None where there is nothing.
        who: who could have made it.
        means: what it does to users.
        remedy: what a person is to do, unless `--fix` repairs it.
        accepted: why it is let be, from the environment's file; empty when it is not.
        repaired: it was set back.
    """

    area: Area
    subject: str
    field: str
    declared: str | None
    found: str | None
    means: str
    who: str
    repair: Repair
    remedy: str = ""
    accepted: str = ""
    repaired: bool = False

    @property
    def what(self) -> str:
        """Its name, by which an environment's file accepts it."""
        return named(self.area, self.subject, self.field)

    @property
    def is_left(self) -> bool:
        """Whether it is still drift: neither repaired nor accepted."""
        return not self.repaired and not self.accepted

    @property
    def is_repairable(self) -> bool:
        """Whether `--fix` sets it back."""
        return self.repair is not Repair.TOLD

    def as_json(self) -> dict[str, Any]:
        """All of it, for a program."""
        return {"what": self.what, **asdict(self), "left": self.is_left}
